"""The payment's row lock, under which everything about its money is decided."""

from payments.models import Payment


def lock_succeeded_payment(*, intent_id: str) -> Payment | None:
    """Return the payment of this intent, locked until the caller's transaction ends; None when
    there is none, or its money hasn't come as far as is known here."""
    paid = Payment.objects.filter(stripe_payment_id=intent_id, status=Payment.Status.SUCCEEDED)
    return paid.select_for_update().first()
