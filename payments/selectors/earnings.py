"""What instructors earned, by the ledger. Amounts are theirs: above zero they are owed it."""

import datetime as dt
import uuid
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, TypedDict

from django.conf import settings
from django.db.models import Count, Q, QuerySet, Sum
from django.utils import timezone

from core.money import ZERO
from payments.ledger import balances
from payments.models import LedgerEntry, LedgerTransaction, Payout

Kind = LedgerTransaction.Kind
# What moves earnings to the instructor rather than making or taking them.
_PAYING = Q(transaction__kind__in=[Kind.PAYOUT, Kind.PAYOUT_PAID, Kind.PAYOUT_FAILED])
# The ledger has one kind for a payout that came to nothing; whether the instructor had the money
# makes a difference to them.
PAYOUT_RETURNED = "payout_returned"
ENTRY_KINDS = [*Kind.choices, (PAYOUT_RETURNED, "Payout Returned")]


class CourseRef(TypedDict):
    """A course: of a movement under the title it was bought by, of a sum under today's."""

    id: uuid.UUID
    title: str


class CourseEarningsRow(TypedDict):
    """What one course brought. `earned` by sales, `returned` by refunds and disputes; `net` is what
    is left."""

    course: CourseRef
    sales: int
    earned: Decimal
    returned: Decimal
    net: Decimal


class EarningsRow(TypedDict):
    """An instructor's balances in CURRENCY: `lifetime` is what was earned less what went back, and
    the sum of the four others."""

    currency: str
    payouts_enabled: bool
    pending: Decimal
    available: Decimal
    in_transit: Decimal
    paid_out: Decimal
    lifetime: Decimal
    courses: list[CourseEarningsRow]


class EntryRow(TypedDict):
    """One movement of an instructor's money; `kind` is one of ENTRY_KINDS."""

    id: uuid.UUID
    kind: str
    occurred_at: dt.datetime
    available_at: dt.datetime
    amount: Decimal
    currency: str
    order_number: str | None
    course: CourseRef | None


def get_earnings(*, user_id: uuid.UUID, payouts_enabled: bool) -> EarningsRow:
    """Return the instructor's balances, and what each course brought, the best first."""
    entries = _entries(user_id)
    is_payable = balances.counts_by(timezone.now())
    sums = entries.aggregate(
        pending=Sum("amount", filter=~is_payable),
        available=Sum("amount", filter=is_payable),
        lifetime=Sum("amount", filter=~_PAYING),
        sent=Sum("amount", filter=_PAYING),
    )
    due = Payout.objects.filter(
        account__instructor_id=user_id, status=Payout.Status.DUE, currency=settings.CURRENCY
    )
    in_transit = due.aggregate(total=Sum("amount"))["total"] or ZERO
    return EarningsRow(
        currency=settings.CURRENCY,
        payouts_enabled=payouts_enabled,
        pending=-(sums["pending"] or ZERO),
        available=-(sums["available"] or ZERO),
        in_transit=in_transit,
        paid_out=(sums["sent"] or ZERO) - in_transit,
        lifetime=-(sums["lifetime"] or ZERO),
        courses=_by_course(entries),
    )


def list_entries(*, user_id: uuid.UUID) -> QuerySet[LedgerEntry]:
    """Return the movements of the instructor's money, newest first."""
    return _in_order(_entries(user_id), "-")


def list_entries_of_month(
    *, user_id: uuid.UUID, first: dt.datetime, after: dt.datetime
) -> QuerySet[LedgerEntry]:
    """Return the movements from `first` on and before `after`, oldest first."""
    of_month = _entries(user_id).filter(
        transaction__occurred_at__gte=first, transaction__occurred_at__lt=after
    )
    return _in_order(of_month, "")


def get_balance_before(*, user_id: uuid.UUID, moment: dt.datetime) -> Decimal:
    """Return what the instructor was owed just before that moment, payable or not."""
    before = _entries(user_id).filter(transaction__occurred_at__lt=moment)
    total: Decimal | None = before.aggregate(total=Sum("amount"))["total"]
    return ZERO if total is None else -total


def to_entry_rows(entries: Iterable[LedgerEntry]) -> list[EntryRow]:
    """Return the movements as their instructor sees them."""
    return [to_entry_row(entry) for entry in entries]


def to_entry_row(entry: LedgerEntry) -> EntryRow:
    """Return one movement as its instructor sees it."""
    item = entry.order_item
    return EntryRow(
        id=entry.id,
        kind=_kind_of(entry.transaction),
        occurred_at=entry.transaction.occurred_at,
        available_at=entry.available_at or entry.transaction.occurred_at,
        amount=-entry.amount,
        currency=entry.transaction.currency,
        order_number=item.order.order_number if item else None,
        course=CourseRef(id=item.course_id, title=item.title_at_purchase) if item else None,
    )


def _kind_of(movement: LedgerTransaction) -> str:
    payout = movement.payout
    was_made = payout is not None and payout.paid_at is not None
    return PAYOUT_RETURNED if was_made and movement.kind == Kind.PAYOUT_FAILED else movement.kind


def _entries(user_id: uuid.UUID) -> QuerySet[LedgerEntry]:
    return LedgerEntry.objects.filter(
        account=LedgerEntry.Account.INSTRUCTOR,
        instructor=user_id,
        transaction__currency=settings.CURRENCY,
    )


def _in_order(entries: QuerySet[LedgerEntry], sign: str) -> QuerySet[LedgerEntry]:
    of_lines = entries.select_related("transaction__payout", "order_item__order")
    return of_lines.order_by(f"{sign}transaction__occurred_at", f"{sign}id")


def _by_course(entries: QuerySet[LedgerEntry]) -> list[CourseEarningsRow]:
    sold = Q(transaction__kind=Kind.SALE)
    rows: Any = (
        entries.filter(order_item__isnull=False)
        .order_by()
        .values("order_item__course_id", "order_item__course__title")
        .annotate(
            sales=Count("id", filter=sold),
            earned=Sum("amount", filter=sold),
            total=Sum("amount"),
        )
        .order_by("total", "order_item__course_id")
    )
    return [
        CourseEarningsRow(
            course=CourseRef(
                id=row["order_item__course_id"], title=row["order_item__course__title"]
            ),
            sales=row["sales"],
            earned=-(row["earned"] or ZERO),
            returned=row["total"] - (row["earned"] or ZERO),
            net=-row["total"],
        )
        for row in rows
    ]
