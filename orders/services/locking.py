"""The order's row lock."""

import uuid

from orders.errors import OrderNotFound
from orders.models import Order


def lock_order(*, order_id: uuid.UUID) -> Order:
    """Return the order, locked until the caller's transaction ends. Raises OrderNotFound.

    The lock leaves room for foreign keys (`FOR NO KEY UPDATE`): a transaction that has written a
    row pointing to the order can still take it without a deadlock.
    """
    order = Order.objects.select_for_update(no_key=True).filter(id=order_id).first()
    if order is None:
        raise OrderNotFound
    return order
