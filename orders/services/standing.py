"""Which enrolments stand on an order's money, and which on something else by now."""

import uuid
from collections.abc import Collection
from decimal import Decimal

from enrollments import services as enrollment_services
from orders.models import Order, OrderItem
from orders.services.locking import lock_order
from orders.state import move_line


def find_standing_elsewhere(
    *, order: Order, enrollment_ids: Collection[uuid.UUID]
) -> set[uuid.UUID]:
    """Return those of the enrolments, which this order opened, that nothing of its money takes away
    any more: their course was taken away since, and bought again (`find_bought_again`, which says
    what is locked), granted by staff or taken for free."""
    rows = enrollment_services.lock_enrollments(enrollment_ids=enrollment_ids)
    # What an order opens is a purchase: anything else opened it later, whatever the clocks say.
    given = {row.id for row in rows if row.source != row.Source.PURCHASE}
    return given | _find_bought_later(order, enrollment_ids)


def find_bought_again(*, order: Order, enrollment_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Return those of the enrolments that a later order pays for: their course was taken away and
    bought again since. An earlier order's line says nothing: its access had ended by then.

    The enrolments are locked before it is looked, until the caller's transaction ends: a purchase
    under way holds that lock until its line is there, and one that comes later waits for what the
    caller does to them.
    """
    enrollment_services.lock_enrollments(enrollment_ids=enrollment_ids)
    return _find_bought_later(order, enrollment_ids)


def list_standing_enrollments(*, order_id: uuid.UUID) -> list[uuid.UUID]:
    """Return the enrolments that this order's money opened and that stand on it, in key order: none
    of a line refunded since, none that stands on something else by now. They stay locked until the
    caller's transaction ends, and so do all that the order ever opened."""
    order = Order.objects.get(id=order_id)
    lines = OrderItem.objects.filter(order_id=order_id, enrollment_id__isnull=False)
    opened = dict(lines.values_list("enrollment_id", "state"))
    elsewhere = find_standing_elsewhere(order=order, enrollment_ids=opened.keys())
    fulfilled = {key for key, state in opened.items() if state == OrderItem.State.FULFILLED}
    return sorted(fulfilled - elsewhere)


def cancel_bought_again(*, order_id: uuid.UUID) -> dict[uuid.UUID, Decimal]:
    """Cancel the order's lines whose course a later order pays for, as their own money had been
    lost and is back: else the buyer would pay twice. Returns what of each line is to be given back.
    Runs in the caller's transaction, under the order's lock. Raises OrderNotFound."""
    order = lock_order(order_id=order_id)
    lines = OrderItem.objects.filter(order_id=order_id, state=OrderItem.State.FULFILLED)
    opened = {line.enrollment_id: line for line in lines if line.enrollment_id is not None}
    again = find_bought_again(order=order, enrollment_ids=opened.keys())
    canceled = [opened[enrollment_id] for enrollment_id in sorted(again)]
    for line in canceled:
        move_line(line, OrderItem.State.CANCELED)
    OrderItem.objects.bulk_update(canceled, ["state"])
    return {line.id: line.paid_amount - line.refunded_amount for line in canceled}


def _find_bought_later(order: Order, enrollment_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    lines = OrderItem.objects.filter(
        enrollment_id__in=enrollment_ids,
        state=OrderItem.State.FULFILLED,
        order__completed_at__gt=order.completed_at,
    ).exclude(order_id=order.id)
    return {found for found in lines.values_list("enrollment_id", flat=True) if found is not None}
