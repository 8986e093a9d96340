"""What the ledger holds of a payment, as postings about it need to know."""

from collections.abc import Collection
from decimal import Decimal

from django.db.models import F, Min, Q, QuerySet, Sum

from core.money import ZERO
from payments.ledger.allocation import Part
from payments.models import Dispute, LedgerEntry, LedgerTransaction, Payment, Refund

Account = LedgerEntry.Account
Kind = LedgerTransaction.Kind
# What the platform lost stands for no line; what it earned always does.
_LOSS = Q(account=Account.PLATFORM, order_item=None)
_HOLDERS = [Account.INSTRUCTOR, Account.PLATFORM, Account.TAX, Account.BUYERS]


def list_held(*, payment: Payment, before: Collection[Dispute] = ()) -> list[Part]:
    """Return what is still held of the payment's money, line by line, oldest line first; as if
    the disputes in `before` had taken nothing.

    `available_at` is the sale's: what was taken back since became due later, or at once.
    """
    entries = LedgerEntry.objects.filter(transaction__payment=payment, account__in=_HOLDERS)
    if before:
        entries = entries.exclude(transaction__dispute__in=before)
    return [part for part in _sum_up(entries.exclude(_LOSS), sign=-1) if part.amount > 0]


def list_effect(*, cause: Refund | Dispute) -> list[Part]:
    """Return what a refund or dispute took, and from whom, by all postings it caused; without its
    fee. Debits are above zero, credits below."""
    entries = _entries_of(cause).exclude(transaction__kind=Kind.STRIPE_FEE)
    return [part for part in _sum_up(entries, sign=1) if part.amount != 0]


def get_loss(*, cause: Refund | Dispute) -> Decimal:
    """Return what the platform bears of a refund or dispute, as no line had it any more."""
    return _total(_entries_of(cause).filter(_LOSS))


def list_losing_refunds(*, payment: Payment) -> list[Refund]:
    """Return the payment's refunds of which the platform bears something, in the order of their
    first posting."""
    rows = (
        LedgerEntry.objects.filter(_LOSS, transaction__payment=payment)
        .exclude(transaction__refund=None)
        .values("transaction__refund")
        .annotate(total=Sum("amount"), first=Min("transaction__created_at"))
        .filter(total__gt=0)
        .order_by("first", "transaction__refund")
    )
    found = [row["transaction__refund"] for row in rows]
    refunds = Refund.objects.in_bulk(found)
    return [refunds[refund] for refund in found]


def list_taking_disputes(*, payment: Payment) -> list[Dispute]:
    """Return the payment's disputes whose money the bank has, by the ledger, in the order of their
    first posting."""
    movements = LedgerTransaction.objects.filter(payment=payment)
    won = movements.filter(kind=Kind.DISPUTE_WON).values("dispute")
    rows = (
        movements.filter(kind=Kind.DISPUTE)
        .exclude(dispute__in=won)
        .values("dispute")
        .annotate(first=Min("created_at"))
        .order_by("first", "dispute")
    )
    found = [row["dispute"] for row in rows]
    disputes = Dispute.objects.in_bulk(found)
    return [disputes[dispute] for dispute in found]


def get_dispute_fee(*, dispute: Dispute) -> Decimal:
    """Return what is booked as Stripe's fee for the dispute."""
    return _total(
        LedgerEntry.objects.filter(
            transaction__dispute=dispute,
            transaction__kind=Kind.STRIPE_FEE,
            account=Account.STRIPE_FEES,
        )
    )


def is_booked(*, reference: str) -> bool:
    """Return whether this cause was posted."""
    return LedgerTransaction.objects.filter(reference=reference).exists()


def _entries_of(cause: Refund | Dispute) -> QuerySet[LedgerEntry]:
    if isinstance(cause, Refund):
        return LedgerEntry.objects.filter(transaction__refund=cause)
    return LedgerEntry.objects.filter(transaction__dispute=cause)


def _sum_up(entries: QuerySet[LedgerEntry], *, sign: int) -> list[Part]:
    rows = (
        entries.order_by()
        .values("account", "order_item_id", "instructor_id")
        .annotate(total=Sum("amount"), since=Min("available_at"))
        .order_by(F("order_item_id").asc(nulls_first=True), "account", "instructor_id")
    )
    return [
        Part(
            account=Account(row["account"]),
            amount=sign * row["total"],
            order_item_id=row["order_item_id"],
            instructor_id=row["instructor_id"],
            available_at=row["since"],
        )
        for row in rows
    ]


def _total(entries: QuerySet[LedgerEntry]) -> Decimal:
    total: Decimal | None = entries.aggregate(total=Sum("amount"))["total"]
    return ZERO if total is None else total
