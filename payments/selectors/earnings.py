"""What instructors earned, by the ledger. Amounts are theirs: above zero they are owed it."""

import datetime as dt
import uuid
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, TypedDict

from django.conf import settings
from django.db.models import F, Max, QuerySet, Subquery, Sum
from django.utils import timezone

from core.money import ZERO
from payments.ledger import balances
from payments.models import BalanceMovement, LedgerEntry, LedgerTransaction, Payout, RunningBalance

Kind = LedgerTransaction.Kind
# How far the clocks may differ of who let something occur and of who booked it.
_CLOCKS = dt.timedelta(days=1)
# The ledger has one kind for a payout that came to nothing; whether the instructor had the money
# makes a difference to them.
PAYOUT_RETURNED = "payout_returned"
# What moves on our own balance at Stripe is no instructor's.
ENTRY_KINDS = [
    *(choice for choice in Kind.choices if choice[0] not in BalanceMovement.BookedAs),
    (PAYOUT_RETURNED, "Payout Returned"),
]


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
    standing = balances.of_instructor(user_id)
    is_payable = balances.counts_by(timezone.now())
    sums = standing.aggregate(
        pending=Sum("amount", filter=~is_payable),
        available=Sum("amount", filter=is_payable),
        lifetime=Sum(F("amount") - F("sent")),
        sent=Sum("sent"),
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
        courses=_by_course(standing),
    )


def list_entries(*, user_id: uuid.UUID) -> QuerySet[LedgerEntry]:
    """Return the movements of the instructor's money, those booked last first."""
    return _with_lines(_entries(user_id)).order_by("-created_at", "-id")


def count_entries(*, user_id: uuid.UUID) -> int:
    """Return how many movements `list_entries` has, without counting them."""
    count = balances.of_instructor(user_id).aggregate(count=Sum("entries"))["count"]
    return 0 if count is None else int(count)


def list_entries_of_month(
    *, user_id: uuid.UUID, first: dt.datetime, after: dt.datetime
) -> QuerySet[LedgerEntry]:
    """Return the movements from `first` on and before `after`, oldest first."""
    of_month = _since(user_id, first).filter(transaction__occurred_at__lt=after)
    return _with_lines(of_month).order_by("transaction__occurred_at", "id")


def get_balance_before(*, user_id: uuid.UUID, moment: dt.datetime) -> Decimal:
    """Return what the instructor was owed just before that moment, payable or not: what they are
    owed now less what moved since."""
    since = _since(user_id, moment).order_by().values("instructor").annotate(total=Sum("amount"))
    sums = balances.of_instructor(user_id).aggregate(
        total=Sum("amount"), since=Max(Subquery(since.values("total")))
    )
    return (sums["since"] or ZERO) - (sums["total"] or ZERO)


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


def _since(user_id: uuid.UUID, moment: dt.datetime) -> QuerySet[LedgerEntry]:
    """Return what occurred from that moment on. Nothing is booked before it occurs, so that an
    index by when it was booked spares what came before."""
    return _entries(user_id).filter(
        created_at__gte=moment - _CLOCKS, transaction__occurred_at__gte=moment
    )


def _with_lines(entries: QuerySet[LedgerEntry]) -> QuerySet[LedgerEntry]:
    return entries.select_related("transaction__payout", "order_item__order")


def _by_course(standing: QuerySet[RunningBalance]) -> list[CourseEarningsRow]:
    rows: Any = (
        standing.filter(course__isnull=False)
        .order_by()
        .values("course_id", "course__title")
        .annotate(count=Sum("sales"), earned=Sum("sold"), total=Sum("amount"))
        .order_by("total", "course_id")
    )
    return [
        CourseEarningsRow(
            course=CourseRef(id=row["course_id"], title=row["course__title"]),
            sales=int(row["count"]),
            earned=-row["earned"],
            returned=row["total"] - row["earned"],
            net=-row["total"],
        )
        for row in rows
    ]
