"""How what lies at Stripe is compared with `stripe` in the ledger.

Both move while they are looked at: an event is handled seconds after Stripe moved the money, and a
fee is known some time after its payment. So a difference that what moves just now may explain is
waited for, until it has lasted for a day.

A bank debit is pending in the balance from its beginning, and booked when it succeeds, days later.
What lies there of those under way is asked for, and taken off: what Stripe says is under way, as
our rows may say so of money that came.
"""

import datetime as dt
import time
from decimal import Decimal
from functools import partial

from django.conf import settings
from django.db.models import Sum
from django.db.models.functions import Abs
from django.utils import timezone

from core.money import ZERO, from_minor, money_text
from payments import stripe_gateway
from payments.ledger.at_stripe import sum_at_stripe
from payments.models import (
    MAY_BE_PAID,
    LedgerEntry,
    Payment,
    ReconciliationDifference,
    ReconciliationRun,
)
from payments.selectors.reconciliation import list_finished_runs
from payments.services.balance_reading import (
    book_unbooked,
    go_on_reading,
    list_unbooked,
    major_of,
)
from payments.services.differences import list_unseen_ids, record_look
from payments.services.matching import Found
from payments.state import PROCESSING
from payments.stripe_facts import MovementFacts
from payments.stripe_gateway import StripeNotFound
from payments.stripe_patience import start

BALANCE = "balance"
MOVEMENT = "balance_transaction"
# What moved this lately may be known to one side alone.
IN_FLIGHT = dt.timedelta(minutes=15)
# How long a fee may stay unknown, and its payment count as on its way.
FEE_WITHIN = dt.timedelta(days=2)
# From when on a difference is no longer waited for: a run a day before has seen it, too.
LASTS = dt.timedelta(hours=20)
# Debits under way that Stripe is asked about at once: half of what it lets an account ask in a
# second, when an answer takes a tenth of one.
_AT_ONCE = 5
# As many of a kind as are shown at once, and as many pages as are asked for.
_SHOWN = 100
_PAGES = 10
Kind = ReconciliationDifference.Kind


def compare_balance(*, run: ReconciliationRun, ends_at: float) -> bool:
    """Keep and book what moved on our balance since it was last read, ask about the debits under
    way, then compare what lies at Stripe with the ledger. Returns whether all was read and asked
    by `ends_at`, of the monotonic clock; else the run's position says how far, and the next call
    goes on there. What can't be booked is shown. Raises PaymentsUnavailable, and as much is kept
    in the position then."""
    if not go_on_reading() or not _add_up_debits(run, ends_at):
        return False
    book_unbooked()
    _show_unbooked(run)
    ours, theirs = sum_at_stripe(currency=settings.CURRENCY), _ask()
    under_way = _read_debits(run)
    for currency, sum_ in under_way.items():
        theirs[currency] = theirs.get(currency, ZERO) - sum_
    there = theirs.setdefault(settings.CURRENCY, ZERO)
    # Money in another currency is shown here and added to nothing.
    run.balances = {
        currency: {"here": str(ours if currency == settings.CURRENCY else ZERO), "there": str(sum_)}
        for currency, sum_ in theirs.items()
    }
    for currency, sum_ in under_way.items():
        run.balances[currency]["under_way"] = str(sum_)
    if ours == there:
        record_look(run=run, object_type=BALANCE, object_id=settings.CURRENCY, before=[], left=[])
    elif _is_more_than_moves(abs(ours - there)) or _has_lasted():
        told = [money_text(amount, settings.CURRENCY) for amount in (ours, there)]
        left = [Found(kind=Kind.AMOUNT, ours=told[0], theirs=told[1])]
        record_look(
            run=run, object_type=BALANCE, object_id=settings.CURRENCY, before=left, left=left
        )
    return True


def _ask() -> dict[str, Decimal]:
    sums = stripe_gateway.retrieve_balance()
    return {currency: major_of(minor=sum_, currency=currency) for currency, sum_ in sums.items()}


def _add_up_debits(run: ReconciliationRun, ends_at: float) -> bool:
    """Add up, by currency, what lies at Stripe of our payments by bank debit that are under way
    there as well as here, in the run's position; returns whether of all. A debit that succeeds
    after it was asked about is booked by then, and is one of those that moved just now."""
    rows = Payment.objects.filter(MAY_BE_PAID, stripe_status=PROCESSING).order_by("id")
    while True:
        rest = rows.filter(id__gt=after) if (after := run.position.get("debit")) else rows
        some = list(rest[:_AT_ONCE])
        if not some:
            return True
        sums = _read_debits(run)
        asked = [start(partial(_ask_debit, payment)) for payment in some]
        for moved in [one.result() for one in asked]:
            if moved is not None:
                net = major_of(minor=moved.net, currency=moved.currency)
                sums[moved.currency] = sums.get(moved.currency, ZERO) + net
        told = {currency: str(sum_) for currency, sum_ in sums.items()}
        run.position |= {"debit": str(some[-1].id), "under_way": told}
        if time.monotonic() >= ends_at:
            return False


def _read_debits(run: ReconciliationRun) -> dict[str, Decimal]:
    told: dict[str, str] = run.position.get("under_way", {})
    return {currency: Decimal(sum_) for currency, sum_ in told.items()}


def _ask_debit(payment: Payment) -> MovementFacts | None:
    """Return what lies there of a debit that is under way by the charge that we know. Of an intent
    that Stripe doesn't know nothing does: the comparison of payments tells of that."""
    try:
        moved = stripe_gateway.retrieve_debit(intent_id=payment.stripe_payment_id)
    except StripeNotFound:
        return None
    return moved if moved and moved.source == payment.stripe_charge_id else None


def _show_unbooked(run: ReconciliationRun) -> None:
    """Keep in sight what moved our money and is of a type that is new to us, until it is booked."""
    for moved in list_unbooked()[:_SHOWN]:
        theirs = f"{moved.type}, {money_text(moved.net, moved.currency)}"
        left = [Found(kind=Kind.MISSING_HERE, ours="", theirs=theirs)]
        record_look(
            run=run, object_type=MOVEMENT, object_id=moved.stripe_id, before=left, left=left
        )
    unseen = list_unseen_ids(object_type=MOVEMENT, since=run.created_at)
    still = set(list_unbooked().filter(stripe_id__in=unseen).values_list("stripe_id", flat=True))
    for stripe_id in set(unseen) - still:
        record_look(run=run, object_type=MOVEMENT, object_id=stripe_id, before=[], left=[])


def _is_more_than_moves(difference: Decimal) -> bool:
    """Whether what is on its way just now, by either side, can't explain the difference."""
    theirs = _sum_moving_there()
    return theirs is not None and difference > theirs + _sum_moving_here()


def _sum_moving_here() -> Decimal:
    now = timezone.now()
    booked = LedgerEntry.objects.filter(
        account=LedgerEntry.Account.STRIPE,
        transaction__occurred_at__gte=now - IN_FLIGHT,
        transaction__currency=settings.CURRENCY,
    ).aggregate(total=Sum(Abs("amount")))["total"]
    without_fee = Payment.objects.filter(
        status=Payment.Status.SUCCEEDED,
        fee_amount=None,
        succeeded_at__gte=now - FEE_WITHIN,
        currency=settings.CURRENCY,
    ).aggregate(total=Sum("amount"))["total"]
    return (booked or ZERO) + (without_fee or ZERO)


def _sum_moving_there() -> Decimal | None:
    """Return what moved at Stripe lately, both ways; None for more than is asked for."""
    since, after, total = timezone.now() - IN_FLIGHT, "", 0
    for _ in range(_PAGES):
        page = stripe_gateway.list_movements(since=since, after=after)
        total += sum(abs(moved.net) for moved in page.items if moved.currency == settings.CURRENCY)
        after = page.after
        if not after:
            return from_minor(total)
    return None


def _has_lasted() -> bool:
    """Whether each run since a day ago has seen a difference."""
    seen_at, runs = None, list_finished_runs()
    for balances, created_at in runs.values_list("balances", "created_at")[:_SHOWN]:
        known = balances.get(settings.CURRENCY)
        if known is None or Decimal(known["here"]) == Decimal(known["there"]):
            break
        seen_at = created_at
    return seen_at is not None and seen_at <= timezone.now() - LASTS
