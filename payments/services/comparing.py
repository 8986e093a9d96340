"""One page of the comparison with Stripe, and one object: look, heal, look again, keep the rest."""

import datetime as dt
import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from celery.exceptions import SoftTimeLimitExceeded

from payments.errors import NotOursYet, PaymentsUnavailable
from payments.models import ReconciliationDifference, ReconciliationRun
from payments.services.differences import is_reported, list_open_ids, record_look
from payments.services.lookups import NotOurs
from payments.services.matching import INTENTS, Found, Subject, add_up, is_payment_here
from payments.stripe_gateway import StripeNotFound

logger = logging.getLogger(__name__)

# The second look is for what changed between Stripe's answer and our reading of the rows.
_LOOKS = 2


@dataclass(frozen=True, kw_only=True)
class PageOutcome:
    """How a page went. `after` and `oldest` lead to the next one; `after` is empty on the last.
    `totals` are by currency, as `matching.add_up` gives them. When time was up before the end,
    `looked_at` is what was looked at of it so far, and only `healed` counts."""

    after: str
    oldest: dt.datetime | None
    compared: int
    healed: int
    totals: dict[str, dict[str, Decimal]]
    looked_at: list[str] = field(default_factory=list)


def compare_page(
    *,
    subject: Subject[Any],
    run: ReconciliationRun,
    after: str,
    until: dt.datetime | None,
    looked_at: Collection[str],
    time_is_up: Callable[[], bool],
) -> PageOutcome:
    """Compare the next page of Stripe's list with our rows, and our rows of that time (up to
    `until`, the age of the page before) that it doesn't show; but for those in `looked_at`, which
    were looked at before time was up. Raises PaymentsUnavailable."""
    page = subject.list_page(since=run.since, after=after)
    theirs = {facts.id: facts for facts in page.items}
    ours = subject.load(theirs.keys())
    lower = page.oldest if page.after and page.oldest else run.since
    unlisted = subject.ids_made(lower, until) - theirs.keys()
    healed, looked = 0, list(looked_at)
    for stripe_id in (*_open_or_different(subject, theirs, ours), *sorted(unlisted)):
        if stripe_id in looked_at:
            continue
        healed += compare_object(subject=subject, run=run, object_id=stripe_id)
        looked.append(stripe_id)
        if time_is_up():
            return PageOutcome(
                after=after, oldest=until, compared=0, healed=healed, totals={}, looked_at=looked
            )
    totals = {}
    if subject.name == INTENTS.name:
        totals = add_up(intents=theirs.values(), ours=subject.load(theirs.keys()))
    return PageOutcome(
        after=page.after,
        oldest=page.oldest,
        compared=len(theirs.keys() | unlisted),
        healed=healed,
        totals=totals,
    )


def compare_object(*, subject: Subject[Any], run: ReconciliationRun, object_id: str) -> int:
    """Compare one object as it is now (a list is some moments old), heal it if need be, and write
    down what was and what is left; returns how many differences were healed. Raises
    PaymentsUnavailable.

    A refund of money whose payment isn't here is no difference by itself: the intent is compared
    in its place, however old, and tells what is left of the money."""
    found = left = _look(subject, object_id)
    healed = 0
    if unknown := _unknown_intent(found):
        healed = _compare_unreported(run, unknown)
        if is_payment_here(intent_id=unknown):
            left = _look(subject, object_id)
        else:
            found = left = []
    for _ in range(_LOOKS):
        if not left:
            break
        try:
            _heal(subject, object_id)
        except NotOurs:
            found = left = []
        else:
            left = _look(subject, object_id)
    return healed + record_look(
        run=run, object_type=subject.name, object_id=object_id, before=found, left=left
    )


def _unknown_intent(found: Collection[Found]) -> str:
    """Return the intent of which we have no payment, if that is why a refund isn't here; or ""."""
    ids = (one.intent_id for one in found if one.intent_id)
    return next((one for one in ids if not is_payment_here(intent_id=one)), "")


def _compare_unreported(run: ReconciliationRun, intent_id: str) -> int:
    """Compare the intent, unless this run has done so and reported it."""
    if is_reported(run=run, object_type=INTENTS.name, object_id=intent_id):
        return 0
    return compare_object(subject=INTENTS, run=run, object_id=intent_id)


def _open_or_different(
    subject: Subject[Any], theirs: Mapping[str, Any], ours: Mapping[str, Any]
) -> list[str]:
    open_ids = list_open_ids(object_type=subject.name, object_ids=theirs)
    return [
        stripe_id
        for stripe_id, facts in theirs.items()
        if stripe_id in open_ids or subject.differ(facts, ours.get(stripe_id))
    ]


def _look(subject: Subject[Any], object_id: str) -> list[Found]:
    """Ask first and read our row afterwards, so that ours is the later one of the two."""
    try:
        theirs = subject.ask(object_id)
    except StripeNotFound:
        ours = subject.load([object_id]).get(object_id)
        if ours is None or not subject.counts(ours):
            return []
        kind = ReconciliationDifference.Kind.MISSING_AT_STRIPE
        return [Found(kind=kind, ours=ours.status, theirs="")]
    return subject.differ(theirs, subject.load([object_id]).get(object_id))


def _heal(subject: Subject[Any], object_id: str) -> None:
    """Do what news of it would do. What goes wrong holds up no other object: the difference stays,
    and says so."""
    try:
        subject.heal(object_id)
    except StripeNotFound:
        ours = subject.load([object_id]).get(object_id)
        if ours is not None:
            subject.forget(ours)
    except NotOursYet as exc:
        logger.warning("%s %s can't be healed: %s", subject.name, object_id, exc.message)
    except (NotOurs, PaymentsUnavailable, SoftTimeLimitExceeded):
        raise
    except Exception:
        logger.exception("%s %s can't be healed", subject.name, object_id)
