"""Pending orders end: their intent is cancelled at Stripe first, so that no money crosses."""

import logging
import uuid

from orders import selectors as order_selectors
from orders import services as order_services
from payments import stripe_gateway
from payments.errors import PaymentsUnavailable
from payments.models import Payment
from payments.services.settlement import settle
from payments.stripe_gateway import StripeLater, StripeNotFound, StripeRefused

logger = logging.getLogger(__name__)

# The buyer paid and the bank takes its time: closing now would only mean a refund later.
_MONEY_ON_ITS_WAY = {"processing", "requires_capture"}


def expire_orders(*, limit: int = 50) -> int:
    """Close orders past their time; returns how many. One that turns out paid is completed, one
    whose money is on its way waits, and so does one that Stripe won't have touched right now, as
    its buyer may be paying. If Stripe doesn't answer the order closes all the same, and the others
    of this sweep without asking: reconciliation cancels their intents, and money that still comes
    is refunded. An order that fails to close keeps no other one open."""
    waiting = Payment.objects.filter(
        status=Payment.Status.PENDING, stripe_status__in=_MONEY_ON_ITS_WAY
    )
    closed, is_answering = 0, True
    for order_id in order_selectors.list_expired_order_ids(
        limit=limit, but=waiting.values("order_id")
    ):
        try:
            if is_answering and _is_money_on_its_way(order_id):
                continue
        except StripeLater:
            continue
        except PaymentsUnavailable:
            is_answering = False
        except Exception:
            logger.exception("the payment of overdue order %s can't be cancelled", order_id)
            continue
        closed += order_services.close_order(order_id=order_id, reason="expired")
    return closed


def _is_money_on_its_way(order_id: uuid.UUID) -> bool:
    payment = Payment.objects.filter(order_id=order_id, status=Payment.Status.PENDING).first()
    if payment is None:
        return False
    try:
        intent = stripe_gateway.cancel_intent(intent_id=payment.stripe_payment_id)
    except (StripeNotFound, StripeRefused):
        return False
    settle(intent=intent)
    return intent.status in _MONEY_ON_ITS_WAY
