"""Booking what happened before the books were kept, or was written beside them."""

import logging
import uuid
from collections.abc import Callable, Iterable
from typing import Any

from django.db import DataError, IntegrityError, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from orders import selectors as order_selectors
from payments.ledger.posting import (
    INQUIRY,
    Sale,
    post_dispute,
    post_dispute_won,
    post_fees,
    post_refund,
    post_sales,
    post_undue_payments,
)
from payments.models import Dispute, LedgerTransaction, Payment, Refund, RefundLine

logger = logging.getLogger(__name__)

Kind = LedgerTransaction.Kind
BATCH = 300
# What rows that contradict each other end in, here or at the database's own rules.
_UNBOOKABLE = (DataError, IntegrityError, ArithmeticError, LookupError, ValueError)


def post_missing() -> int:
    """Book every payment, fee, refund and dispute that moved money and isn't in the ledger, at the
    time it happened; returns how many movements were written.

    Each is booked under its payment's lock, a few hundred payments in a transaction, so it may run
    at any time, at once with anything, and again. What can't be booked, as what it says of itself
    doesn't add up, keeps nothing else from the books.
    """
    unbooked = _payments_without([Kind.SALE, Kind.UNDUE_PAYMENT])
    without_fee = _payments_without([Kind.STRIPE_FEE]).filter(fee_amount__gt=0)
    return (
        _in_batches(unbooked, _book_payments)
        + _in_batches(without_fee, _book_fees)
        + _each(_refunds(), _book_refund)
        + _each(_disputes(), _book_dispute)
    )


def _payments_without(kinds: Iterable[str]) -> QuerySet[Payment]:
    booked = LedgerTransaction.objects.filter(payment=OuterRef("id"), kind__in=kinds, dispute=None)
    paid = Payment.objects.filter(status=Payment.Status.SUCCEEDED, amount__gt=0)
    return paid.filter(~Exists(booked)).order_by("succeeded_at", "id")


def _refunds() -> QuerySet[Refund]:
    booked = LedgerTransaction.objects.filter(refund=OuterRef("id"), kind=Kind.REFUND)
    accepted = Refund.objects.filter(status__in=[Refund.Status.PENDING, Refund.Status.SUCCEEDED])
    taken = accepted.filter(applied_at__isnull=False, undone_at=None)
    return taken.filter(~Exists(booked)).order_by("applied_at", "id")


def _disputes() -> QuerySet[Dispute]:
    of_dispute = LedgerTransaction.objects.filter(dispute=OuterRef("id"))
    untaken = ~Exists(of_dispute.filter(kind=Kind.DISPUTE))
    kept = Q(status="won") & ~Exists(of_dispute.filter(kind=Kind.DISPUTE_WON))
    moved = Dispute.objects.exclude(status__startswith=INQUIRY)
    return moved.filter(untaken | kept).order_by("created_at", "id")


def _each(rows: QuerySet[Any], book: Callable[[uuid.UUID], bool]) -> int:
    return sum(
        _try([identifier], lambda ids: book(ids[0]))
        for identifier in list(rows.values_list("id", flat=True))
    )


def _in_batches(rows: QuerySet[Payment], book: Callable[[list[uuid.UUID]], int]) -> int:
    ids = list(rows.values_list("id", flat=True))
    return sum(_try(ids[start : start + BATCH], book) for start in range(0, len(ids), BATCH))


def _try(ids: list[uuid.UUID], book: Callable[[list[uuid.UUID]], int]) -> int:
    """Book these together, or each for itself when one of them can't be booked."""
    try:
        return book(ids)
    except _UNBOOKABLE:
        if len(ids) == 1:
            logger.exception("%s can't be booked", ids[0])
            return 0
    return sum(_try([identifier], book) for identifier in ids)


@transaction.atomic
def _book_payments(payment_ids: list[uuid.UUID]) -> int:
    payments = list(_lock(payment_ids).annotate(stands=Q(order__payment_id=F("stripe_payment_id"))))
    standing = [payment for payment in payments if payment.stands]
    lines = order_selectors.list_lines_of_orders(
        order_ids=[payment.order_id for payment in standing]
    )
    returned = RefundLine.objects.filter(
        refund__payment__in=standing, refund__reason="already_owned"
    )
    owned = set(returned.values_list("order_item_id", flat=True))
    owned |= {
        line.id for of_order in lines.values() for line in of_order if line.state == "canceled"
    }
    sales = [
        Sale(payment=payment, lines=lines.get(payment.order_id, []), owned_item_ids=owned)
        for payment in standing
    ]
    undue = [payment for payment in payments if not payment.stands]
    return post_sales(sales=sales) + post_undue_payments(payments=undue)


@transaction.atomic
def _book_fees(payment_ids: list[uuid.UUID]) -> int:
    return post_fees(payments=list(_lock(payment_ids)))


def _lock(payment_ids: list[uuid.UUID]) -> QuerySet[Payment]:
    """Locked in key order, as two runs at once take the same ones."""
    rows = Payment.objects.select_for_update(of=("self",)).filter(id__in=payment_ids)
    return rows.order_by("id")


@transaction.atomic
def _book_refund(refund_id: uuid.UUID) -> bool:
    refund = Refund.objects.get(id=refund_id)
    refund.payment = Payment.objects.select_for_update().get(id=refund.payment_id)
    refund.refresh_from_db(fields=["status", "applied_at", "undone_at"])
    if refund.applied_at is None or refund.undone_at is not None:
        return False
    return post_refund(refund=refund)


@transaction.atomic
def _book_dispute(dispute_id: uuid.UUID) -> bool:
    dispute = Dispute.objects.get(id=dispute_id)
    dispute.payment = Payment.objects.select_for_update().get(id=dispute.payment_id)
    dispute.refresh_from_db(fields=["status", "amount", "fee_amount", "closed_at"])
    booked = post_dispute(dispute=dispute, at=dispute.created_at)
    if dispute.status == "won":
        booked = post_dispute_won(dispute=dispute) or booked
    return booked
