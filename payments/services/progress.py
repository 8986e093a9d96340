"""Money on its way, as Stripe tells of it, and the order that is left alone meanwhile."""

import uuid

from django.db import transaction
from django.utils import timezone

from core import outbox
from core.nudge import nudge
from orders import services as order_services
from payments.events import DebitFailed
from payments.models import MAY_BE_PAID, Payment
from payments.state import PROCESSING
from payments.stripe_gateway import IntentFacts


def is_old_news(*, payment: Payment, intent: IntentFacts) -> bool:
    """Return whether Stripe said so before what is known by now: a canceled intent is never open
    again, a debit that failed isn't on its way again, and an intent that was tried has a charge.
    A success is always news."""
    if intent.status == "succeeded":
        return False
    if (payment.status, payment.stripe_status) == (Payment.Status.FAILED, "canceled"):
        return True
    if intent.status == PROCESSING:
        return bool(intent.charge_id) and intent.charge_id == payment.failed_charge_id
    was_tried = payment.stripe_status == PROCESSING and payment.stripe_charge_id != ""
    return was_tried and not intent.charge_id


def note_failure(*, payment: Payment, intent: IntentFacts) -> None:
    """Note, unsaved, that the debit that was on its way came to nothing, if so it did, and record
    DebitFailed, once of each. Whose buyer has tried in another way since is told nothing. `payment`
    is as it was before the news."""
    came_to_nothing = intent.status in ("requires_payment_method", "canceled")
    if not came_to_nothing or intent.charge_id not in ("", payment.stripe_charge_id):
        return
    payment.failed_charge_id = payment.stripe_charge_id
    tell_failure(payment=payment)


def tell_failure(*, payment: Payment) -> None:
    """Record DebitFailed: the money that was on its way is given up."""
    outbox.record(DebitFailed(payment_id=payment.id, order_id=payment.order_id))


def tell_order(*, payment: Payment, was_in_progress: bool) -> None:
    """Let the order know whether money is on its way, under the payment's lock, so that it is left
    alone as long as it is. `was_in_progress` is whether this payment's was, before the news. The
    payment is saved."""
    if payment.status == Payment.Status.SUCCEEDED:
        return
    if payment.stripe_status == PROCESSING:
        order_services.note_progress(order_id=payment.order_id)
    elif was_in_progress or not payment.may_be_paid:
        end_progress(order_id=payment.order_id)


def end_progress(*, order_id: uuid.UUID) -> None:
    """Let the order know that money of it isn't on its way any more, if no other is. The caller
    holds a payment's lock and has saved what became of it.

    An order in whose place its buyer has another by then isn't opened again: reconciliation cancels
    at once what may be paid of it, and then the order ends.
    """
    may_be_paid = Payment.objects.filter(MAY_BE_PAID, order_id=order_id)
    if may_be_paid.filter(stripe_status=PROCESSING).exists():
        return
    if not order_services.end_progress(order_id=order_id):
        # Whoever is at another of them waits for the order, which is locked by now.
        free = may_be_paid.select_for_update(skip_locked=True).values_list("id", flat=True)
        Payment.objects.filter(id__in=list(free)).update(next_check_at=timezone.now())
        transaction.on_commit(lambda: nudge("payments.tasks.reconcile_payments"))
