"""What payments do about events of the floors below."""

from django.db import transaction
from django.utils import timezone

from core.nudge import nudge
from core.outbox import subscribe
from orders.events import OrderClosed
from payments.models import MAY_BE_PAID, Payment


@subscribe(OrderClosed, name="payments.cancel_intent_of_closed_order", queue="money")
def cancel_intent_soon(event: OrderClosed) -> None:
    """Make what may be paid of the order due for reconciliation, which cancels it."""
    Payment.objects.filter(MAY_BE_PAID, order_id=event.order_id).update(
        next_check_at=timezone.now()
    )
    transaction.on_commit(lambda: nudge("payments.tasks.reconcile_payments"))
