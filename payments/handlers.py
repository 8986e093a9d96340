"""What payments do about events of the floors below."""

from django.db import transaction
from django.utils import timezone

from core.nudge import nudge
from core.outbox import subscribe
from orders.events import OrderClosed
from payments.models import Payment


@subscribe(OrderClosed, name="payments.cancel_intent_of_closed_order", queue="money")
def cancel_intent_soon(event: OrderClosed) -> None:
    """Make the order's open payment due for reconciliation, which cancels its intent."""
    Payment.objects.filter(order_id=event.order_id, status=Payment.Status.PENDING).update(
        next_check_at=timezone.now()
    )
    transaction.on_commit(lambda: nudge("payments.tasks.reconcile_payments"))
