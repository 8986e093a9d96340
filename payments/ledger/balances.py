"""What instructors are owed, by the ledger."""

import uuid
from collections.abc import Collection
from decimal import Decimal

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
    *, instructor_ids: Collection[uuid.UUID], at_least: Decimal
) -> dict[uuid.UUID, Decimal]:
    """Return what can be paid now to each of these instructors who are owed at least so much."""
    rows = (
        _due()
        .filter(instructor__in=instructor_ids)
        .order_by()
        .values("instructor_id")
        .annotate(total=Sum("amount"))
        .filter(total__lte=-at_least)
    )
    return {row["instructor_id"]: -row["total"] for row in rows}


def _due() -> QuerySet[LedgerEntry]:
    return LedgerEntry.objects.filter(
        account=LedgerEntry.Account.INSTRUCTOR,
        available_at__lte=timezone.now(),
        transaction__currency=settings.CURRENCY,
    )
