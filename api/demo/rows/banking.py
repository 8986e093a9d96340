"""Writes what Stripe sent to the marketplace's bank: what had come by the end of each month."""

import datetime as dt
from decimal import Decimal

from django.conf import settings
from django.db.models import Sum
from django.db.models.functions import TruncMonth

from core.money import ZERO
from payments.ledger.at_stripe import post_balance_movement
from payments.models import BalanceMovement, LedgerEntry

# Stripe's bank is quick in the demo.
ARRIVES_AFTER = dt.timedelta(days=2)


def pay_bank(*, now: dt.datetime) -> int:
    """Send what lies at Stripe to the bank, month by month and the rest now; returns how many
    payouts that made. Afterwards nothing of the demo's sales lies there, as nothing does."""
    payouts, there = 0, ZERO
    months = _moved_by_month()
    for place, (month, moved) in enumerate(months):
        there += moved
        following = (month + dt.timedelta(days=32)).replace(day=1)
        # A month in which more went back than came is the next one's.
        if there > 0 and all(sum_ >= 0 for _, sum_ in months[place + 1 : place + 2]):
            _pay(there, at=min(following, now))
            payouts, there = payouts + 1, ZERO
    return payouts


def _moved_by_month() -> list[tuple[dt.datetime, Decimal]]:
    entries = LedgerEntry.objects.filter(account=LedgerEntry.Account.STRIPE)
    months = entries.annotate(month=TruncMonth("transaction__occurred_at")).order_by("month")
    return list(months.values("month").annotate(moved=Sum("amount")).values_list("month", "moved"))


def _pay(amount: Decimal, *, at: dt.datetime) -> None:
    row = BalanceMovement.objects.create(
        stripe_id=f"txn_demo{at:%Y%m%d%H%M}",
        type="payout",
        reporting_category="payout",
        amount=-amount,
        fee=ZERO,
        net=-amount,
        currency=settings.CURRENCY,
        happened_at=at,
        available_on=at + ARRIVES_AFTER,
        description="STRIPE PAYOUT",
        source=f"po_demo{at:%Y%m%d%H%M}",
        booked_as=BalanceMovement.BookedAs.BANK_PAYOUT,
    )
    post_balance_movement(movement=row)
