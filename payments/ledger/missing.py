"""Booking what happened before the books were kept, or was written beside them."""

import logging
import uuid
from collections.abc import Callable
from functools import partial

from django.db import DataError, IntegrityError, transaction
from django.db.models import F, Q, QuerySet

from orders import selectors as order_selectors
from payments import loose_ends
from payments.ledger.posting import (
    Sale,
    post_dispute,
    post_dispute_won,
    post_fees,
    post_refund,
    post_sales,
    post_undue_payments,
)
from payments.models import Dispute, LooseEnd, Payment, Refund, RefundLine

logger = logging.getLogger(__name__)

BATCH = 300
# What rows that contradict each other end in, here or at the database's own rules.
_UNBOOKABLE = (DataError, IntegrityError, ArithmeticError, LookupError, ValueError)


def post_missing(*, everything: bool = False) -> int:
    """Book every payment, fee, refund and dispute that moved money and isn't in the ledger, at the
    time it happened; returns how many movements were written. The database noted which when they
    were committed; with `everything` all that there are are looked at.

    Each is booked under its payment's lock, a few hundred payments in a transaction, so it may run
    at any time, at once with anything, and again. What can't be booked, as what it says of itself
    doesn't add up, keeps nothing else from the books.
    """
    if everything:
        loose_ends.note_all(kinds=[LooseEnd.Kind(kind) for kind in _BOOKING])
    return sum(
        loose_ends.work_off(kind=LooseEnd.Kind(kind), work=partial(_try, book=book), at_once=BATCH)
        for kind, book in _BOOKING.items()
    )


def _try(ids: list[uuid.UUID], *, book: Callable[[list[uuid.UUID]], int]) -> int:
    """Book these together, or each for itself when one of them can't be booked."""
    try:
        return book(ids)
    except _UNBOOKABLE:
        if len(ids) == 1:
            logger.exception("%s can't be booked", ids[0])
            return 0
    return sum(_try([identifier], book=book) for identifier in ids)


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


def _each(
    book: Callable[[uuid.UUID], bool],
) -> Callable[[list[uuid.UUID]], int]:
    """Each in a transaction of its own."""
    return lambda ids: sum(_try([identifier], book=lambda one: book(one[0])) for identifier in ids)


# In this order: what was taken is taken of what was booked.
_BOOKING: dict[str, Callable[[list[uuid.UUID]], int]] = {
    LooseEnd.Kind.PAYMENT: _book_payments,
    LooseEnd.Kind.FEE: _book_fees,
    LooseEnd.Kind.REFUND: _each(_book_refund),
    LooseEnd.Kind.DISPUTE: _each(_book_dispute),
}
