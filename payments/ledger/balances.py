"""What instructors are owed, by the ledger."""

import uuid
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import QuerySet, Sum
from django.utils import timezone

from core.money import ZERO
from payments.models import LedgerEntry


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
        account=LedgerEntry.Account.INSTRUCTOR,
        available_at__lte=timezone.now(),
        transaction__currency=settings.CURRENCY,
    )
