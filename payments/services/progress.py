"""Money on its way, as Stripe tells of it, and the order that is left alone meanwhile."""

from django.db import transaction
from django.utils import timezone

from core import outbox
from core.nudge import nudge
from orders import services as order_services
from payments.events import DebitFailed
from payments.models import Payment
from payments.state import PROCESSING
from payments.stripe_gateway import IntentFacts

# An intent that can't be paid any more: canceled, or unknown to Stripe.
_DEAD = frozenset({"canceled", ""})


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
    outbox.record(DebitFailed(payment_id=payment.id, order_id=payment.order_id))


def tell_order(*, payment: Payment, was_in_progress: bool) -> None:
    """Let the order know whether money is on its way, under the payment's lock, so that it is left
    alone as long as it is. `was_in_progress` is whether this payment's was, before the news.

    An order in whose place its buyer has another by then isn't opened again: reconciliation cancels
    the intent at once, and then the order ends.
    """
    if payment.status == Payment.Status.SUCCEEDED:
        return
    if payment.stripe_status == PROCESSING:
        order_services.note_progress(order_id=payment.order_id)
        return
    is_final = payment.stripe_status in _DEAD
    if not (was_in_progress or is_final) or _is_another_in_progress(payment):
        return
    if not order_services.end_progress(order_id=payment.order_id, is_final=is_final):
        payment.next_check_at = timezone.now()
        payment.save(update_fields=["next_check_at", "updated_at"])
        transaction.on_commit(lambda: nudge("payments.tasks.reconcile_payments"))


def _is_another_in_progress(payment: Payment) -> bool:
    others = Payment.objects.filter(order_id=payment.order_id, stripe_status=PROCESSING)
    return others.exclude(id=payment.id).exists()
