"""Ending a pending order unpaid."""

import uuid
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal

from django.db import transaction
from django.utils import timezone

from core import audit
from core.outbox import record
from enrollments.buying import tell_courses
from enrollments.errors import PaymentInProgress
from orders.events import OrderClosed
from orders.models import CouponRedemption, Order, OrderItem
from orders.selectors.progress import list_courses_in_progress
from orders.services.locking import lock_order
from orders.services.open_payments import require_no_open_payment, try_past_open_payments
from orders.state import move_line, move_order

CloseReason = Literal["expired", "replaced", "canceled"]


def close_order(
    *,
    order_id: uuid.UUID,
    reason: CloseReason,
    actor_id: uuid.UUID | None = None,
    seconds: float | None = None,
) -> bool:
    """End a pending order as failed and record OrderClosed; its coupon is free again. Whatever may
    take money for it is ended at the provider first, outside any transaction. Audited, when it is
    somebody's deed: theirs whose id `actor_id` is.

    Returns False, with nothing changed, when the order isn't pending (a payment was faster), or
    when `reason` is "expired" and its time isn't over. Raises OrderNotFound; PaymentInProgress when
    its money is on its way; and Unavailable when it may be, as the provider doesn't answer (within
    `seconds`, should they be fewer than what a request gives it).
    """
    return try_past_open_payments(
        attempt=lambda _: _close_free(order_id, reason, actor_id), seconds=seconds
    )


@transaction.atomic
def _close_free(order_id: uuid.UUID, reason: CloseReason, actor_id: uuid.UUID | None) -> bool:
    order = lock_order(order_id=order_id)
    if order.status != Order.Status.PENDING:
        return False
    if reason == "expired" and order.expires_at > timezone.now():
        return False
    if order.payment_in_progress_since is not None:
        courses = list_courses_in_progress(order_id=order_id)
        raise PaymentInProgress(courses=tell_courses(courses))
    require_no_open_payment(order_id=order_id)
    deed: AbstractContextManager[Any] = nullcontext()
    if actor_id is not None:
        chosen = Order.objects.filter(id=order_id)
        deed = audit.recording(chosen, actor_id=actor_id, action="order.close_pending")
    with deed:
        close_locked(order=order, reason=reason)
    return True


def close_locked(*, order: Order, reason: CloseReason) -> None:
    """Close a pending order whose lock the caller holds, who has seen under it that nothing may
    take money for it. Raises IllegalTransition otherwise."""
    move_order(order, Order.Status.FAILED)
    order.failure_reason = reason
    order.payment_in_progress_since = None
    order.save(
        update_fields=["status", "failure_reason", "payment_in_progress_since", "updated_at"]
    )
    items = list(OrderItem.objects.filter(order_id=order.id))
    for item in items:
        move_line(item, OrderItem.State.CANCELED)
    OrderItem.objects.bulk_update(items, ["state"])
    CouponRedemption.objects.filter(order_id=order.id).delete()
    record(OrderClosed(order_id=order.id, user_id=order.user_id, reason=reason))
