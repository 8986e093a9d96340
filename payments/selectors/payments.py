"""Reads of payments."""

import datetime as dt
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Prefetch

from core.money import ZERO
from orders import selectors as order_selectors
from orders.errors import OrderNotFound
from orders.paying import LatePayment
from orders.selectors import OrderForPayment
from payments.models import Payment, Refund


def pays_its_order(*, payment: Payment) -> bool:
    """Return whether this is the payment that completed its order (its money stands for it)."""
    order = order_selectors.get_order_for_payment(order_id=payment.order_id, user_id=None)
    return order.payment_id == payment.stripe_payment_id


@dataclass(frozen=True, kw_only=True)
class PaymentDetails:
    """A payment as its buyer hears of it. Major units; `payable_until` is None when the order is
    over, is paid, is being paid again, or would open nothing."""

    order_number: str
    user_id: uuid.UUID | None
    amount: Decimal
    currency: str
    payable_until: dt.datetime | None


def get_payment_details(*, payment_id: uuid.UUID) -> PaymentDetails:
    """Return what a mail about the payment says. Two queries, and at most three more of an order
    that is open. Raises Payment.DoesNotExist."""
    payment = Payment.objects.get(id=payment_id)
    order = order_selectors.get_order_for_payment(order_id=payment.order_id, user_id=None)
    is_open = order.status == "pending" and not order.is_in_progress
    is_payable = is_open and not _opens_nothing(order)
    return PaymentDetails(
        order_number=order.number,
        user_id=order.user_id,
        amount=payment.amount,
        currency=payment.currency,
        payable_until=order.expires_at if is_payable else None,
    )


def may_begin_payment(*, order_id: object, user_id: uuid.UUID) -> bool:
    """Return whether a call that names this order may begin a payment. False where it can't: for an
    order of this person's that isn't pending, has a payment that can be gone on with, or would open
    nothing. True for what is no order of theirs: who tries ids is to be counted. Two queries, and
    at most three more of an order for which none was begun."""
    try:
        order = order_selectors.get_order_for_payment(
            order_id=uuid.UUID(str(order_id)), user_id=user_id
        )
    except (ValueError, OrderNotFound):
        return True
    pending = Payment.objects.filter(order_id=order.id, status=Payment.Status.PENDING)
    return order.status == "pending" and not pending.exists() and not _opens_nothing(order)


def _opens_nothing(order: OrderForPayment) -> bool:
    return bool(order_selectors.list_shut_lines(order_id=order.id, user_id=order.user_id))


def find_late_payments(*, order_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, LatePayment]:
    """Return, by order, the latest money that came for it and doesn't stand for it, with the latest
    refund of it. Two queries."""
    payments = Payment.objects.filter(order_id__in=order_ids, status=Payment.Status.SUCCEEDED)
    latest = payments.order_by("order_id", "-succeeded_at", "-id").distinct("order_id")
    newest_first = Prefetch("refunds", Refund.objects.order_by("-created_at", "-id"))
    rows = latest.prefetch_related(newest_first)
    return {payment.order_id: _show_late(payment) for payment in rows}


def _show_late(payment: Payment) -> LatePayment:
    refunds = list(payment.refunds.all())
    made = {Refund.Status.PENDING, Refund.Status.SUCCEEDED}
    back = sum((refund.amount for refund in refunds if refund.status in made), start=ZERO)
    is_due = any(refund.status == Refund.Status.DUE for refund in refunds)
    return LatePayment(
        transaction_id=payment.stripe_charge_id,
        status="refunded" if back >= payment.amount else "refunding" if is_due else "succeeded",
        refund_amount=refunds[0].amount if refunds else None,
        refund_status=refunds[0].status if refunds else None,
    )


def get_order_number(*, order_id: uuid.UUID) -> str:
    """Return the number of an order, as people name it. Raises OrderNotFound."""
    return order_selectors.get_order_for_payment(order_id=order_id, user_id=None).number
