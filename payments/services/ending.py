"""What may take money for an order, and ending it: the orders ask, and close nothing before."""

import uuid

from django.db.models import QuerySet

from payments import stripe_gateway
from payments.models import MAY_BE_PAID, Payment
from payments.services.settlement import forget_payment, settle
from payments.stripe_gateway import StripeLater, StripeNotFound, StripeRefused
from payments.stripe_patience import deadline


def is_payment_open(*, order_id: uuid.UUID) -> bool:
    """Return whether an intent of the order may take money. An intent's secret is given to nobody
    before its row is stored, under the order's lock: whoever holds that lock and sees none may
    close the order."""
    return _open_payments(order_id).exists()


def end_open_payment(*, order_id: uuid.UUID, seconds: float) -> None:
    """Cancel what may take money for the order at Stripe, and take into our rows what Stripe says
    then. Once money moves, Stripe won't: the order turns out paid, or its payment is on its way.

    Raises PaymentsUnavailable, with nothing changed of an intent that Stripe doesn't answer about
    within these seconds, all intents together, or won't have touched.
    """
    with deadline(seconds=seconds):
        for payment in _open_payments(order_id).order_by("created_at"):
            _end(payment)


def _open_payments(order_id: uuid.UUID) -> QuerySet[Payment]:
    return Payment.objects.filter(MAY_BE_PAID, order_id=order_id)


def _end(payment: Payment) -> None:
    try:
        intent = stripe_gateway.cancel_intent(intent_id=payment.stripe_payment_id)
    except StripeNotFound:
        forget_payment(payment_id=payment.id)
    except StripeRefused as exc:
        raise StripeLater(f"The payment can't be cancelled: {exc.message}") from exc
    else:
        settle(intent=intent)
