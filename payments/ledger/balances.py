"""What instructors are owed, by the ledger's running balances.

Processes' clocks differ by seconds. What is added is counted by the clock of who asks; what is
taken is counted at once, or with what it was taken from, so that no clock shows money twice.
"""

import datetime as dt
import time
import uuid
from decimal import Decimal
from typing import Any, Final

from django.conf import settings
from django.db import connection
from django.db.models import Q, QuerySet, Sum
from django.utils import timezone

from core.money import ZERO
from payments.models import LedgerEntry, RunningBalance

# Changes folded in by one statement, and how long a sweep goes on.
FOLDED_TOGETHER = 5_000
BUDGET_SECONDS = 20.0

# What could be paid at once, and what is no longer held by any clock. Whoever folds at the same
# time takes others.
_FOLD: Final = """
    DELETE FROM payments_balancechange WHERE id IN (
        SELECT id FROM payments_balancechange WHERE {due}
        LIMIT %(limit)s FOR UPDATE SKIP LOCKED
    )
"""
_DUE: Final = ("held_until IS NULL", "held_until <= now() - interval '1 hour'")


def counts_by(moment: dt.datetime) -> Q:
    """Return which running balances count towards what can be paid at that moment, by the clock of
    who asks. What a payout, a refund or a dispute took from earnings that could be paid counts
    whatever the time is: it was written by a clock that may be ahead of this one."""
    return Q(held_until=None) | Q(held_until__lte=moment)


def get_payable(*, instructor_id: uuid.UUID) -> Decimal:
    """Return what can be paid to the instructor now, in major units of CURRENCY; below zero is what
    refunds and disputes took beyond what they earned, and is carried forward."""
    due = of_instructor(instructor_id).filter(counts_by(timezone.now()))
    total: Decimal | None = due.aggregate(total=Sum("amount"))["total"]
    return ZERO if total is None else -total


def list_payable(
    *, instructors: QuerySet[Any, Any], at_least: Decimal, limit: int
) -> dict[uuid.UUID, Decimal]:
    """Return what can be paid now to those of these instructors (a query of their ids) who are owed
    at least so much: up to `limit` of them, the most owed first."""
    rows = (
        _of_instructors()
        .filter(counts_by(timezone.now()), instructor__in=instructors)
        .order_by()
        .values("instructor_id")
        .annotate(total=Sum("amount"))
        .filter(total__lte=-at_least)
        .order_by("total", "instructor_id")
    )
    return {row["instructor_id"]: -row["total"] for row in rows[:limit]}


def of_instructor(
    instructor_id: uuid.UUID, *, currency: str | None = None
) -> QuerySet[RunningBalance]:
    """Return the instructor's running balances in this currency, else in CURRENCY, to be added up
    in one query: two may see one change twice, or not at all."""
    return _of_instructors(currency).filter(instructor=instructor_id)


def fold_balances() -> int:
    """Add changes that wait to their balances, for some seconds; returns how many. Whoever reads
    meanwhile sees the same sums. May run at once, and be killed anywhere."""
    started, folded = time.monotonic(), 0
    for due in _DUE:
        while count := _fold(due):
            folded += count
            if count < FOLDED_TOGETHER or time.monotonic() - started >= BUDGET_SECONDS:
                break
    return folded


def _fold(due: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_FOLD.format(due=due), {"limit": FOLDED_TOGETHER})
        return int(cursor.rowcount)


def _of_instructors(currency: str | None = None) -> QuerySet[RunningBalance]:
    return RunningBalance.objects.filter(
        account=LedgerEntry.Account.INSTRUCTOR, currency=currency or settings.CURRENCY
    )
