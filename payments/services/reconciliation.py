"""Reconciliation: what may be paid is looked up at Stripe even if no event ever comes."""

import datetime as dt

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from payments import stripe_gateway
from payments.models import MAY_BE_PAID, Payment, StripeEvent, first_check
from payments.services.settlement import forget_payment, settle
from payments.services.sweeping import sweep
from payments.state import PROCESSING
from payments.stripe_gateway import IntentFacts, StripeNotFound

TASK = "payments.tasks.reconcile_payments"
LATEST = dt.timedelta(hours=1)
# So long a payment is left to the inbox when there is news of it: with many others it takes less.
LEFT_TO_INBOX = dt.timedelta(minutes=1)


def reconcile_due_payments(*, limit: int = 50) -> int:
    """Settle what may be paid and is due by what Stripe says, and cancel the intents of orders that
    are closed or superseded; returns how many were tried. The gaps grow with a payment's age, up to
    an hour. One whose news has just come is the inbox's for a while."""
    return sweep(claim=_claim_next, work=_reconcile, failed=_leave, limit=limit, task=TASK)


def _reconcile(payment: Payment) -> None:
    try:
        intent = _look_up(payment)
    except StripeNotFound:
        forget_payment(payment_id=payment.id)
    else:
        settle(intent=intent)


def _leave(payment: Payment, exc: Exception) -> None:
    """Nothing to do: the claim already says when the payment is looked up again."""


def _look_up(payment: Payment) -> IntentFacts:
    order = payment.order
    # Its buyer has ordered something else since this payment was under way, and it came to nothing.
    is_superseded = (
        order.payment_in_progress_since is not None and payment.stripe_status != PROCESSING
    )
    if order.status == "pending" and not is_superseded:
        return stripe_gateway.retrieve_intent(intent_id=payment.stripe_payment_id)
    return stripe_gateway.cancel_intent(intent_id=payment.stripe_payment_id)


def _claim_next() -> Payment | None:
    now = timezone.now()
    news = StripeEvent.objects.filter(
        object_id=OuterRef("stripe_payment_id"),
        status=StripeEvent.Status.RECEIVED,
        received_at__gt=now - LEFT_TO_INBOX,
    )
    with transaction.atomic():
        payment = (
            Payment.objects.select_for_update(skip_locked=True, of=("self",))
            .select_related("order")
            .filter(MAY_BE_PAID, ~Exists(news), next_check_at__lte=now)
            .order_by("next_check_at")
            .first()
        )
        if payment is not None:
            age = now - payment.created_at
            payment.next_check_at = now + min(max(age / 2, first_check()), LATEST)
            payment.save(update_fields=["next_check_at", "updated_at"])
    return payment
