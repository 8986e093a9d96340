"""Pending orders end: their intent is cancelled at Stripe first, so that no money crosses."""

import uuid

from orders import selectors as order_selectors
from orders import services as order_services
from payments import stripe_gateway
from payments.errors import PaymentsUnavailable
from payments.models import Payment
from payments.services.settlement import settle
from payments.stripe_gateway import StripeNotFound

# The buyer paid and the bank takes its time: closing now would only mean a refund later.
_MONEY_ON_ITS_WAY = {"processing", "requires_capture"}


def expire_orders(*, limit: int = 50) -> int:
    """Close orders past their time; returns how many. One that turns out paid is completed, one
    whose money is on its way waits. If Stripe doesn't answer the order closes all the same:
    reconciliation cancels the intent, and money that still comes is refunded."""
    closed = 0
    for order_id in order_selectors.list_expired_order_ids(limit=limit):
        if not _is_money_on_its_way(order_id):
            closed += order_services.close_order(order_id=order_id, reason="expired")
    return closed


def _is_money_on_its_way(order_id: uuid.UUID) -> bool:
    payment = Payment.objects.filter(order_id=order_id, status=Payment.Status.PENDING).first()
    if payment is None:
        return False
    try:
        intent = stripe_gateway.cancel_intent(intent_id=payment.stripe_payment_id)
    except (PaymentsUnavailable, StripeNotFound):
        return False
    settle(intent=intent)
    return intent.status in _MONEY_ON_ITS_WAY
