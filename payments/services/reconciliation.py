"""Reconciliation: open payments are looked up at Stripe even if no event ever comes."""

import datetime as dt
import logging

from django.db import transaction
from django.utils import timezone

from payments import stripe_gateway
from payments.errors import PaymentsUnavailable
from payments.models import Payment, first_check
from payments.services.settlement import settle
from payments.stripe_gateway import IntentFacts, StripeNotFound

logger = logging.getLogger(__name__)

LATEST = dt.timedelta(hours=1)


def reconcile_due_payments(*, limit: int = 50) -> int:
    """Settle open payments that are due by what Stripe says, and cancel the intents of closed
    orders; returns how many were tried. The gaps grow with a payment's age, up to an hour."""
    payments = _claim(limit)
    for payment in payments:
        try:
            settle(intent=_look_up(payment))
        except PaymentsUnavailable:
            logger.warning("payment %s is looked up later", payment.stripe_payment_id)
        except StripeNotFound:
            Payment.objects.filter(id=payment.id, status=Payment.Status.PENDING).update(
                status=Payment.Status.FAILED, needs_attention="Stripe doesn't know this intent"
            )
    return len(payments)


def _look_up(payment: Payment) -> IntentFacts:
    if payment.order.status == "pending":
        return stripe_gateway.retrieve_intent(intent_id=payment.stripe_payment_id)
    return stripe_gateway.cancel_intent(intent_id=payment.stripe_payment_id)


def _claim(limit: int) -> list[Payment]:
    now = timezone.now()
    with transaction.atomic():
        payments = list(
            Payment.objects.select_for_update(skip_locked=True, of=("self",))
            .select_related("order")
            .filter(status=Payment.Status.PENDING, next_check_at__lte=now)
            .order_by("next_check_at")[:limit]
        )
        for payment in payments:
            age = now - payment.created_at
            payment.next_check_at = now + min(max(age / 2, first_check()), LATEST)
            payment.save(update_fields=["next_check_at", "updated_at"])
    return payments
