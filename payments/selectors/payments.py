"""Reads of payments."""

import datetime as dt
import uuid
from dataclasses import dataclass
from decimal import Decimal

from core.money import ZERO
from orders import selectors as order_selectors
from orders.paying import LatePayment
from payments.models import Payment, Refund


def pays_its_order(*, payment: Payment) -> bool:
    """Return whether this is the payment that completed its order (its money stands for it)."""
    order = order_selectors.get_order_for_payment(order_id=payment.order_id, user_id=None)
    return order.payment_id == payment.stripe_payment_id


@dataclass(frozen=True, kw_only=True)
class PaymentDetails:
    """A payment as its buyer hears of it. Major units; `payable_until` is None when the order is
    over, is paid, or is being paid again."""

    order_number: str
    user_id: uuid.UUID | None
    amount: Decimal
    currency: str
    payable_until: dt.datetime | None


def get_payment_details(*, payment_id: uuid.UUID) -> PaymentDetails:
    """Return what a mail about the payment says. Two queries. Raises Payment.DoesNotExist."""
    payment = Payment.objects.get(id=payment_id)
    order = order_selectors.get_order_for_payment(order_id=payment.order_id, user_id=None)
    is_payable = order.status == "pending" and not order.is_in_progress
    return PaymentDetails(
        order_number=order.number,
        user_id=order.user_id,
        amount=payment.amount,
        currency=payment.currency,
        payable_until=order.expires_at if is_payable else None,
    )


def find_late_payment(*, order_id: uuid.UUID) -> LatePayment | None:
    """Return the latest money that came for an order that it doesn't stand for, with the latest
    refund of it. Two queries."""
    payments = Payment.objects.filter(order_id=order_id, status=Payment.Status.SUCCEEDED)
    payment = payments.order_by("-succeeded_at", "-id").first()
    if payment is None:
        return None
    refunds = list(payment.refunds.order_by("-created_at", "-id"))
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
