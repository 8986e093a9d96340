"""Paying instructors what can be paid: planned by one sweep, sent by another.

A payout is a row before it is a call. The account's row lock serialises an instructor's payouts,
and the plan is booked with the row: what is on its way can't be planned again.
"""

import datetime as dt
import logging
import uuid
from collections.abc import Callable
from decimal import Decimal

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from core import outbox
from core.ids import parse_id
from core.money import CENT, from_minor, to_minor
from core.nudge import nudge
from core.outbox import back_off_delay
from payments import stripe_connect
from payments.events import PayoutFailed, PayoutTakenBack
from payments.ledger import balances
from payments.ledger import payouts as ledger
from payments.models import Payout, PayoutAccount
from payments.selectors.concerned import list_held_earners
from payments.services.ahead import answer
from payments.services.payout_accounts import (
    are_payouts_enabled,
    is_of,
    refresh_account,
    sync_account,
)
from payments.services.sweeping import sweep
from payments.stripe_connect import TransferFacts
from payments.stripe_gateway import StripeNotFound, StripeRefused

logger = logging.getLogger(__name__)

TASK = "payments.tasks.send_due_payouts"

# After a payout that Stripe refused: somebody has to do something first, or the money of late sales
# to become available there.
PAUSE_AFTER_FAILURE = dt.timedelta(days=1)


class PayoutNotBooked(Exception):
    """A payout that is due says otherwise than the ledger does."""


class PayoutHeld(Exception):
    """An open difference is about the earnings that a payout is of."""


class PayoutNotEarned(Exception):
    """A payout that is due takes what its instructor can't be paid yet, or never earned."""


class PayoutAccountForeign(Exception):
    """The account at Stripe that a payout is to go to isn't its instructor's."""


def plan_payouts(*, limit: int = 500) -> int:
    """Write a payout for each instructor whose account is ready and who is owed PAYOUT_MINIMUM or
    more, of all that can be paid; returns how many. One is under way for an account at a time.
    Nothing where payouts are off, nor for whom an open difference is about: what they are owed is
    in doubt. One that can't be written keeps nobody else from theirs."""
    if not are_payouts_enabled():
        return 0
    owed = balances.list_payable(
        instructors=_accounts_to_pay().values("instructor_id"), at_least=_minimum(), limit=limit
    )
    accounts = PayoutAccount.objects.filter(instructor_id__in=owed).order_by("id")
    return sum(_try_to_plan(account_id) for account_id in accounts.values_list("id", flat=True))


def send_due_payouts(*, limit: int = 20) -> int:
    """Ask Stripe for the payouts that are due; returns how many were tried. A worker killed between
    call and commit, or two at once, pay once: what was made before is looked for first, and the key
    of the call follows from the row. One that isn't booked as it stands, takes earnings that are
    still held, or would go to an account that isn't its instructor's at Stripe, is not sent."""
    if not are_payouts_enabled():
        return 0
    return sweep(claim=_claim_next, work=_send, failed=_try_later, limit=limit, task=TASK)


def ask_transfer(transfer_id: str) -> TransferFacts:
    """Ask Stripe for a transfer: no more than the call."""
    return stripe_connect.retrieve_transfer(transfer_id=transfer_id)


def look_up_transfer(*, transfer_id: str) -> Callable[[], None]:
    """Return what brings our row to what Stripe says of the transfer now. Raises StripeNotFound or
    PaymentsUnavailable."""
    facts = answer(ask=ask_transfer, object_id=transfer_id)
    return lambda: sync_transfer(facts=facts)


def sync_transfer(*, facts: TransferFacts) -> None:
    """Bring our rows to what Stripe says of a transfer: made, or taken back since, in part or as a
    whole. Idempotent, in any order; a transfer that isn't for a payout of ours changes nothing."""
    with transaction.atomic():
        payout = _lock(facts)
        if payout is None:
            return
        if payout.status == Payout.Status.DUE:
            payout.status = Payout.Status.PAID
            payout.paid_at = timezone.now()
            payout.stripe_transfer_id = facts.id
            payout.last_error = ""
            payout.save()
            ledger.post_payout_paid(payout=payout)
        if payout.status == Payout.Status.PAID:
            _take_back(payout, from_minor(facts.amount_reversed))


def _take_back(payout: Payout, returned: Decimal) -> None:
    """Follow what was taken back of a paid payout, in all so far; what is known already changes
    nothing."""
    if not ledger.post_payout_returned(payout=payout, returned=returned):
        return
    payout.last_error = f"Taken back at Stripe: {returned}"
    if returned == payout.amount:
        payout.status = Payout.Status.FAILED
    payout.save()
    outbox.record(PayoutTakenBack(payout_id=payout.id, amount=returned))


def _minimum() -> Decimal:
    """Return what is worth a payout: never nothing, whatever is set."""
    return max(settings.PAYOUT_MINIMUM, CENT)


def _accounts_to_pay() -> QuerySet[PayoutAccount]:
    of_account = Payout.objects.filter(account=OuterRef("id"))
    under_way = of_account.filter(status=Payout.Status.DUE)
    # What failed because of the account that was there before says nothing of this one.
    failed_lately = of_account.filter(
        Q(destination="") | Q(destination=OuterRef("stripe_account_id")),
        status=Payout.Status.FAILED,
        updated_at__gt=timezone.now() - PAUSE_AFTER_FAILURE,
    )
    return PayoutAccount.objects.filter(
        ~Exists(under_way), ~Exists(failed_lately), is_ready=True
    ).exclude(Q(stripe_account_id=None) | Q(instructor_id__in=list_held_earners()))


def _try_to_plan(account_id: uuid.UUID) -> bool:
    try:
        return _plan(account_id)
    except IntegrityError:
        # More was taken meanwhile, or somebody wrote to the balances: the next turn counts anew.
        logger.exception("a payout to account %s is refused", account_id)
        return False


def _plan(account_id: uuid.UUID) -> bool:
    """Plan what is owed by now: the lock may have been waited for."""
    with transaction.atomic():
        account = PayoutAccount.objects.select_for_update(no_key=True).filter(id=account_id).first()
        if account is None or not _accounts_to_pay().filter(id=account_id).exists():
            return False
        amount = balances.get_payable(instructor_id=account.instructor_id)
        if amount < _minimum():
            return False
        payout = Payout.objects.create(
            account=account,
            destination=account.stripe_account_id or "",
            amount=amount,
            currency=settings.CURRENCY,
            next_attempt_at=timezone.now(),
        )
        ledger.post_payout(payout=payout)
        transaction.on_commit(lambda: nudge(TASK))
    return True


def _send(payout: Payout) -> None:
    if not ledger.is_booked_as_planned(payout=payout):
        # Somebody wrote to the row, or to the ledger: it stays as it is, for staff to see.
        raise PayoutNotBooked(f"payout {payout.id} isn't what is booked of it; nothing was sent")
    if payout.account.instructor_id in list_held_earners():
        raise PayoutHeld(f"payout {payout.id} waits until an open difference is resolved")
    if not ledger.was_earned(payout=payout):
        raise PayoutNotEarned(f"payout {payout.id} is of more than can be paid; nothing was sent")
    try:
        _check_destination(payout)
        facts = stripe_connect.create_transfer(
            amount=to_minor(payout.amount),
            currency=payout.currency,
            account_id=get_destination(payout),
            payout_id=str(payout.id),
            idempotency_key=f"payout-{payout.id}",
        )
    except StripeRefused as exc:
        logger.exception("Stripe refused payout %s", payout.id)
        _end_refused(payout, f"{exc.code}: {exc.message}")
    except StripeNotFound as exc:
        logger.exception("Stripe doesn't know the account of payout %s", payout.id)
        _end_refused(payout, f"account_unknown: {exc}")
    else:
        sync_transfer(facts=facts)


def _check_destination(payout: Payout) -> None:
    """Ask Stripe whose account it is: an id that was written over leads elsewhere. Raises
    PayoutAccountForeign, with nothing sent."""
    account = stripe_connect.retrieve_account(account_id=get_destination(payout))
    if not is_of(facts=account, instructor_id=payout.account.instructor_id):
        sync_account(facts=account)
        raise PayoutAccountForeign(f"{account.id} isn't the instructor's; nothing was sent")


def get_destination(payout: Payout) -> str:
    """Return the account at Stripe that the payout goes to: the one it was planned for, also when
    another has taken its place since. So its transfer is the same at each try."""
    return payout.destination or payout.account.stripe_account_id or ""


def _end_refused(payout: Payout, words: str) -> None:
    """Give a payout up that Stripe refused, unless it was made all the same. Raises
    PaymentsUnavailable, with nothing changed, while Stripe can't tell."""
    facts = stripe_connect.find_transfer(payout_id=str(payout.id))
    if facts is not None:
        sync_transfer(facts=facts)
        return
    # It may have been restricted, without our having heard: then it isn't tried daily.
    refresh_account(account_id=get_destination(payout))
    _give_up(payout, words)


def _give_up(payout: Payout, words: str) -> None:
    """End a payout that Stripe won't make: the instructor is owed the money as before."""
    with transaction.atomic():
        PayoutAccount.objects.select_for_update(no_key=True).get(id=payout.account_id)
        changed = Payout.objects.filter(id=payout.id, status=Payout.Status.DUE).update(
            status=Payout.Status.FAILED, last_error=words[:2000], updated_at=timezone.now()
        )
        if changed:
            ledger.post_payout_failed(payout=payout)
            outbox.record(PayoutFailed(payout_id=payout.id))


def _lock(facts: TransferFacts) -> Payout | None:
    """Return our row for the transfer, under its account's lock."""
    known = Payout.objects.filter(stripe_transfer_id=facts.id).first()
    own_id = parse_id(facts.payout_id)
    if known is None and own_id is not None:
        known = Payout.objects.filter(id=own_id).first()
    if known is None:
        return None
    PayoutAccount.objects.select_for_update(no_key=True).get(id=known.account_id)
    return Payout.objects.select_related("account").get(id=known.id)


def _claim_next() -> Payout | None:
    now = timezone.now()
    with transaction.atomic():
        payout = (
            Payout.objects.select_for_update(skip_locked=True, of=("self",))
            .select_related("account")
            .filter(status=Payout.Status.DUE, next_attempt_at__lte=now)
            .order_by("next_attempt_at")
            .first()
        )
        if payout is not None:
            payout.attempts += 1
            payout.next_attempt_at = now + settings.LEASE
            payout.save(update_fields=["attempts", "next_attempt_at", "updated_at"])
    return payout


def _try_later(payout: Payout, exc: Exception) -> None:
    Payout.objects.filter(id=payout.id, status=Payout.Status.DUE).update(
        next_attempt_at=timezone.now() + back_off_delay(attempts=payout.attempts),
        last_error=f"{type(exc).__name__}: {exc}"[:2000],
    )
