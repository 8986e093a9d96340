"""Reads of payments."""

import uuid

from orders import selectors as order_selectors
from payments.models import Payment


def pays_its_order(*, payment: Payment) -> bool:
    """Return whether this is the payment that completed its order (its money stands for it)."""
    order = order_selectors.get_order_for_payment(order_id=payment.order_id, user_id=None)
    return order.payment_id == payment.stripe_payment_id


def get_order_number(*, order_id: uuid.UUID) -> str:
    """Return the number of an order, as people name it. Raises OrderNotFound."""
    return order_selectors.get_order_for_payment(order_id=order_id, user_id=None).number
