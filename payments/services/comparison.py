"""The comparison with Stripe: page by page, each difference healed by what a webhook would have
done, and what can't be healed kept in sight of staff.

A run is a row with a position. Whoever holds its lease works on for a while and gives it back: no
worker is busy for long, and a killed one costs no more than the lease. In the end what was written
to of the books is verified (`payments.services.verification`), also where Stripe isn't configured.
"""

import datetime as dt
import logging
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from core.money import ZERO
from payments import stripe_gateway
from payments.clocks import CLOCKS
from payments.errors import PaymentsUnavailable
from payments.models import ReconciliationDifference, ReconciliationRun
from payments.selectors.payouts import list_foreign_accounts
from payments.selectors.reconciliation import list_runs
from payments.services.comparing import PageOutcome, compare_object, compare_page
from payments.services.differences import list_unseen_ids, record_look
from payments.services.exempt import count_exempt
from payments.services.matching import SUBJECTS, TOTALS, Found, Subject
from payments.services.matching_balance import BALANCE, compare_balance
from payments.services.matching_transfers import TRANSFERS
from payments.services.platform import look_at_platform
from payments.services.verification import BOOKS, verify_books
from payments.stripe_gateway import StripeForbidden

logger = logging.getLogger(__name__)

EVERY = dt.timedelta(days=1)
# How long a worker goes on before it gives the run back.
SLICE_SECONDS = 15.0
# How long it looks at the objects of a page, each of which may cost several calls to Stripe.
STEP_SECONDS = 15.0
# How long a run rests that failed, other than as Stripe didn't answer.
AFTER_FAILURE = dt.timedelta(minutes=10)
# How our own account at Stripe is set up.
ACCOUNT = "account"
# Accounts of instructors, by the id of our row.
PAYOUT_ACCOUNT = "payout_account"
FOREIGN_AT_ONCE = 100
_BY_NAME: dict[str, Subject[Any]] = {subject.name: subject for subject in (*SUBJECTS, TRANSFERS)}
_STAGES = [*_BY_NAME, "open", ACCOUNT, BALANCE, BOOKS]
_COUNTERS = {
    "payment_intent": "payments_compared",
    "refund": "refunds_compared",
    "dispute": "disputes_compared",
    "transfer": "transfers_compared",
}

OnProgress = Callable[[ReconciliationRun], None]


def compare_when_due() -> bool:
    """Work on the run under way, or begin the daily one when its time has come; returns whether
    there was anything to do. Where Stripe isn't configured the run verifies the books alone.

    When Stripe doesn't answer, the run waits for its next turn where it stands. One that fails for
    another reason says so and is tried again; after a day, another one begins in its place.
    """
    _end_future_runs()
    run = _claim() or _begin_daily()
    if run is None:
        return False
    started = time.monotonic()
    try:
        _advance(run)
        while run.finished_at is None and time.monotonic() - started < SLICE_SECONDS:
            _advance(run)
    except PaymentsUnavailable as exc:
        logger.warning("the comparison with Stripe waits: %s", exc)
        _save(run, error=f"{type(exc).__name__}: {exc}"[:2000])
    except Exception as exc:
        logger.exception("the comparison with Stripe can't go on")
        _put_off(run, exc)
    else:
        _save(run, leased_until=None)
    return True


def _put_off(run: ReconciliationRun, exc: Exception) -> None:
    now = timezone.now()
    is_hopeless = run.created_at <= now - EVERY
    _save(
        run,
        error=f"{type(exc).__name__}: {exc}"[:2000],
        leased_until=None if is_hopeless else now + AFTER_FAILURE,
        finished_at=now if is_hopeless else None,
    )


def compare_now(*, since: dt.datetime, on_progress: OnProgress) -> ReconciliationRun:
    """Compare everything since then, to the end, and return the finished run. A run under way is
    given up for it. Raises PaymentsUnavailable, which ends the run with that error."""
    run = _begin_instead(since)
    try:
        while run.finished_at is None:
            _advance(run)
            on_progress(run)
    except PaymentsUnavailable as exc:
        _save(run, error=f"{type(exc).__name__}: {exc}"[:2000], finished_at=timezone.now())
        raise
    return run


def _begin_daily() -> ReconciliationRun | None:
    now = timezone.now()
    recent = list_runs().filter(created_at__gt=now - EVERY)
    # A look at the last hour only, by hand, doesn't stand for the daily one.
    is_whole = Q(since__lte=F("created_at") - settings.RECONCILE_WINDOW)
    if recent.filter(Q(finished_at=None) | is_whole & Q(error="")).exists():
        return None
    return _begin(now - settings.RECONCILE_WINDOW)


def _begin(since: dt.datetime) -> ReconciliationRun | None:
    """Return a new run, held by the caller; None when there is one under way."""
    try:
        with transaction.atomic():
            return ReconciliationRun.objects.create(
                since=since,
                position={"stage": _STAGES[0]},
                leased_until=timezone.now() + settings.LEASE,
            )
    except IntegrityError:
        return None


def _begin_instead(since: dt.datetime) -> ReconciliationRun:
    while (run := _begin(since)) is None:
        ReconciliationRun.objects.filter(finished_at=None).update(
            finished_at=timezone.now(), leased_until=None, error="Given up for another run"
        )
    return run


def _end_future_runs() -> None:
    """End a run under way that is dated later than now, or held for longer than anybody holds one:
    it would keep every other from beginning."""
    now = timezone.now()
    longest = max(settings.LEASE, AFTER_FAILURE) + CLOCKS
    ReconciliationRun.objects.filter(
        Q(created_at__gt=now + CLOCKS) | Q(leased_until__gt=now + longest), finished_at=None
    ).update(finished_at=now, leased_until=None, error="Dated later than now")


def _claim() -> ReconciliationRun | None:
    now = timezone.now()
    free = Q(leased_until=None) | Q(leased_until__lte=now)
    with transaction.atomic():
        run = (
            ReconciliationRun.objects.select_for_update(skip_locked=True)
            .filter(free, finished_at=None)
            .first()
        )
        if run is not None:
            run.leased_until = now + settings.LEASE
            run.save(update_fields=["leased_until", "updated_at"])
    return run


def _advance(run: ReconciliationRun) -> None:
    """Take the next step: a page of a list, what is open from before, our account, what lies there,
    or the books.
    A step with much to heal ends early, and is gone on with by the next."""
    stage = run.position["stage"] if stripe_gateway.is_configured() else BOOKS
    left: list[Found] = []
    try:
        is_over = _take_step(run, stage, time.monotonic() + STEP_SECONDS)
    except StripeForbidden as exc:
        # What else there is to compare isn't kept from it.
        is_over, kind = True, ReconciliationDifference.Kind.STATUS
        left = [Found(kind=kind, ours="can't be compared", theirs=exc.message)]
    if is_over:
        record_look(
            run=run, object_type=ACCOUNT, object_id=f"right:{stage}", before=left, left=left
        )
        _next_stage(run, stage)
    is_held = run.finished_at is None
    _save(run, error="", leased_until=timezone.now() + settings.LEASE if is_held else None)


def _take_step(run: ReconciliationRun, stage: str, ends_at: float) -> bool:
    """Do what is next in this stage; returns whether the stage is over."""
    if stage in _BY_NAME:
        return _compare_page(run, stage, ends_at)
    if stage == BOOKS:
        return verify_books(run=run, ends_at=ends_at)
    if stage == BALANCE:
        return compare_balance(run=run, ends_at=ends_at)
    if stage == ACCOUNT:
        return _look_at_account(run)
    return _look_at_open_ones(run, ends_at)


def _next_stage(run: ReconciliationRun, stage: str) -> None:
    rest = _STAGES[_STAGES.index(stage) + 1 :]
    run.position = {"stage": rest[0]} if rest else {}
    if not rest:
        run.finished_at = timezone.now()


def _compare_page(run: ReconciliationRun, stage: str, ends_at: float) -> bool:
    """Compare the next page; returns whether it was the last one."""
    told = run.position.get("until")
    until = parse_datetime(told) if told else None
    outcome = compare_page(
        subject=_BY_NAME[stage],
        run=run,
        after=run.position.get("after", ""),
        until=until,
        looked_at=run.position.get("looked_at", []),
        time_is_up=lambda: time.monotonic() >= ends_at,
    )
    run.differences_healed += outcome.healed
    if outcome.looked_at:
        run.position |= {"looked_at": outcome.looked_at}
        return False
    counter = _COUNTERS[stage]
    setattr(run, counter, getattr(run, counter) + outcome.compared)
    run.totals = _added(run.totals, outcome)
    oldest = outcome.oldest or until
    run.position = {
        "stage": stage,
        "after": outcome.after,
        "until": oldest.isoformat() if oldest else None,
    }
    return not outcome.after


def _added(totals: dict[str, dict[str, str]], outcome: PageOutcome) -> dict[str, dict[str, str]]:
    sums = {
        currency: {name: Decimal(value) for name, value in row.items()}
        for currency, row in totals.items()
    }
    for currency, row in outcome.totals.items():
        known = sums.setdefault(currency, dict.fromkeys(TOTALS, ZERO))
        sums[currency] = {name: known[name] + row[name] for name in TOTALS}
    return {
        currency: {name: str(value) for name, value in row.items()}
        for currency, row in sums.items()
    }


def _look_at_open_ones(run: ReconciliationRun, ends_at: float) -> bool:
    """Look at what was open before and lies outside this run's window: it may be gone by now.
    Returns whether all were looked at."""
    for name, subject in _BY_NAME.items():
        for object_id in list_unseen_ids(object_type=name, since=run.created_at):
            run.differences_healed += compare_object(subject=subject, run=run, object_id=object_id)
            if time.monotonic() >= ends_at:
                return False
    return True


def _look_at_account(run: ReconciliationRun) -> bool:
    """Keep what of our own account isn't as paying instructors needs it, and which accounts of
    instructors are another's at Stripe."""
    for setup in look_at_platform():
        kind = ReconciliationDifference.Kind.STATUS
        found = Found(kind=kind, ours=f"needs {setup.needed}", theirs=setup.found)
        left = [] if setup.is_right else [found]
        record_look(run=run, object_type=ACCOUNT, object_id=setup.name, before=left, left=left)
    _keep_foreign_accounts(run)
    _tell_exempt(run)
    return True


def _keep_foreign_accounts(run: ReconciliationRun) -> None:
    """Keep the accounts that Stripe, when it was last asked, said aren't their instructor's, some
    at a time, and resolve those that are again."""
    foreign = set(list_foreign_accounts(limit=FOREIGN_AT_ONCE))
    before = list_unseen_ids(object_type=PAYOUT_ACCOUNT, since=run.created_at)
    for row_id in sorted(foreign.union(before)):
        kind = ReconciliationDifference.Kind.DESTINATION
        found = Found(kind=kind, ours="an instructor's", theirs="not of this instructor")
        left = [found] if row_id in foreign else []
        record_look(run=run, object_type=PAYOUT_ACCOUNT, object_id=row_id, before=left, left=left)


def _tell_exempt(run: ReconciliationRun) -> None:
    """Keep in sight that payments say they were never made at this account, where none may be."""
    exempt = count_exempt()
    kind = ReconciliationDifference.Kind.MISSING_AT_STRIPE
    is_fault = exempt.count > 0 and not exempt.may_be
    left = [Found(kind=kind, ours=str(exempt), theirs="")] if is_fault else []
    record_look(run=run, object_type=ACCOUNT, object_id="exempt", before=left, left=left)


def _save(run: ReconciliationRun, **changes: Any) -> None:
    """Write the run, unless it was given up for another one meanwhile."""
    for name, value in changes.items():
        setattr(run, name, value)
    fields = (
        "position",
        "leased_until",
        "finished_at",
        "totals",
        "balances",
        "differences_healed",
        "error",
    )
    values = {name: getattr(run, name) for name in (*fields, *_COUNTERS.values())}
    rows = ReconciliationRun.objects.filter(id=run.id, finished_at=None)
    if not rows.update(**values, updated_at=timezone.now()):
        run.refresh_from_db()
