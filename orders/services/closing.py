"""Ending a pending order unpaid."""

import uuid
from typing import Literal

from django.db import transaction
from django.utils import timezone

from core.outbox import record
from orders.events import OrderClosed
from orders.models import CouponRedemption, Order, OrderItem
from orders.services.locking import lock_order
from orders.state import move_line, move_order

CloseReason = Literal["expired", "replaced", "canceled"]


@transaction.atomic
def close_order(*, order_id: uuid.UUID, reason: CloseReason) -> bool:
    """End a pending order as failed and record OrderClosed; its coupon is free again.

    Returns False, with nothing changed, when the order isn't pending (a payment was faster), or
    when `reason` is "expired" and its time isn't over. Raises OrderNotFound.
    """
    order = lock_order(order_id=order_id)
    if order.status != Order.Status.PENDING:
        return False
    if reason == "expired" and order.expires_at > timezone.now():
        return False
    close_locked(order=order, reason=reason)
    return True


def close_locked(*, order: Order, reason: CloseReason) -> None:
    """Close a pending order whose lock the caller holds. Raises IllegalTransition otherwise."""
    move_order(order, Order.Status.FAILED)
    order.failure_reason = reason
    order.save(update_fields=["status", "failure_reason", "updated_at"])
    items = list(OrderItem.objects.filter(order_id=order.id))
    for item in items:
        move_line(item, OrderItem.State.CANCELED)
    OrderItem.objects.bulk_update(items, ["state"])
    CouponRedemption.objects.filter(order_id=order.id).delete()
    record(OrderClosed(order_id=order.id, user_id=order.user_id, reason=reason))
