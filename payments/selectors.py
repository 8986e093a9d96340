"""Reads of payments."""

import uuid
from dataclasses import dataclass
from decimal import Decimal

from orders import selectors as order_selectors
from payments.models import Payment, Refund


@dataclass(frozen=True, kw_only=True)
class RefundFacts:
    """A refund as the buyer hears of it. Major units."""

    order_id: uuid.UUID
    order_number: str
    user_id: uuid.UUID | None
    amount: Decimal
    currency: str


def pays_its_order(*, payment: Payment) -> bool:
    """Return whether this is the payment that completed its order (its money stands for it)."""
    order = order_selectors.get_order_for_payment(order_id=payment.order_id, user_id=None)
    return order.payment_id == payment.stripe_payment_id


def get_refund_facts(*, refund_id: uuid.UUID) -> RefundFacts:
    """Return what a mail about the refund tells. Raises Refund.DoesNotExist."""
    refund = Refund.objects.select_related("payment").get(id=refund_id)
    order = order_selectors.get_order_for_payment(order_id=refund.payment.order_id, user_id=None)
    return RefundFacts(
        order_id=order.id,
        order_number=order.number,
        user_id=order.user_id,
        amount=refund.amount,
        currency=refund.payment.currency,
    )
