"""Which enrolments stand on an order's money, and which on another order's by now."""

import uuid
from collections.abc import Collection

from enrollments import services as enrollment_services
from orders.models import Order, OrderItem


def find_standing_elsewhere(
    *, order: Order, enrollment_ids: Collection[uuid.UUID]
) -> set[uuid.UUID]:
    """Return those of the enrolments that a later order pays for: their course was taken away and
    bought again since. An earlier order's line says nothing: its access had ended by then.

    The enrolments are locked before it is looked, until the caller's transaction ends: a purchase
    under way holds that lock until its line is there, and one that comes later waits for what the
    caller does to them.
    """
    enrollment_services.lock_enrollments(enrollment_ids=enrollment_ids)
    lines = OrderItem.objects.filter(
        enrollment_id__in=enrollment_ids,
        state=OrderItem.State.FULFILLED,
        order__completed_at__gt=order.completed_at,
    ).exclude(order_id=order.id)
    return {found for found in lines.values_list("enrollment_id", flat=True) if found is not None}


def list_standing_enrollments(*, order_id: uuid.UUID) -> list[uuid.UUID]:
    """Return the enrolments that this order's money opened and that stand on it, in key order: none
    of a line refunded since, none that another order pays for by now. They stay locked until the
    caller's transaction ends."""
    order = Order.objects.get(id=order_id)
    lines = OrderItem.objects.filter(order_id=order_id, state=OrderItem.State.FULFILLED)
    opened = {found for found in lines.values_list("enrollment_id", flat=True) if found is not None}
    return sorted(opened - find_standing_elsewhere(order=order, enrollment_ids=opened))
