"""What instructors are owed, by the ledger.

Processes' clocks differ by seconds. What is added is counted by the clock of who asks; what is
taken is counted at once, or with what it was taken from, so that no clock shows money twice.
"""

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import F, Q, QuerySet, Sum
from django.utils import timezone

from core.money import ZERO
from payments.models import LedgerEntry, LedgerTransaction

# They move what could be paid already, there and back.
_AT_ONCE = [LedgerTransaction.Kind.PAYOUT, LedgerTransaction.Kind.PAYOUT_FAILED]


def counts_by(moment: dt.datetime) -> Q:
    """Return which of instructors' entries count towards what can be paid at that moment, by the
    clock of who asks. What a payout, a refund or a dispute took from earnings that could be paid
    counts whatever the time is: it was written by a clock that may be ahead of this one."""
    was_not_held = Q(amount__gt=0, available_at__lte=F("transaction__occurred_at"))
    return Q(available_at__lte=moment) | Q(transaction__kind__in=_AT_ONCE) | was_not_held


def get_payable(*, instructor_id: uuid.UUID) -> Decimal:
    """Return what can be paid to the instructor now, in major units of CURRENCY; below zero is what
    refunds and disputes took beyond what they earned, and is carried forward."""
    total: Decimal | None = (
        _due().filter(instructor=instructor_id).aggregate(total=Sum("amount"))["total"]
    )
    return ZERO if total is None else -total


def list_payable(
    *, instructors: QuerySet[Any, Any], at_least: Decimal, limit: int
) -> dict[uuid.UUID, Decimal]:
    """Return what can be paid now to those of these instructors (a query of their ids) who are owed
    at least so much: up to `limit` of them, the most owed first."""
    rows = (
        _due()
        .filter(instructor__in=instructors)
        .order_by()
        .values("instructor_id")
        .annotate(total=Sum("amount"))
        .filter(total__lte=-at_least)
        .order_by("total", "instructor_id")
    )
    return {row["instructor_id"]: -row["total"] for row in rows[:limit]}


def _due() -> QuerySet[LedgerEntry]:
    return LedgerEntry.objects.filter(
        counts_by(timezone.now()),
        account=LedgerEntry.Account.INSTRUCTOR,
        transaction__currency=settings.CURRENCY,
    )
