"""The order's row lock, and the cart's that comes before it."""

import uuid
from collections.abc import Collection

from cart import selectors as cart_selectors
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


def lock_cart_and_order(*, order_id: uuid.UUID) -> Order:
    """Lock the cart of the order's buyer and return the order, locked as by `lock_order`. The cart
    comes first, as in ordering: what its buyer orders, pays and hears of a payment is decided one
    after the other. Raises OrderNotFound."""
    buyers = Order.objects.filter(id=order_id, user__isnull=False)
    for user_id in buyers.values_list("user_id", flat=True):
        cart_selectors.lock_cart(user_id=user_id)
    return lock_order(order_id=order_id)


def lock_carts_and_orders(*, order_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Order]:
    """Lock the carts of these orders' buyers, then the orders, each kind in key order; as
    `lock_cart_and_order` does for one, by as many statements. Raises OrderNotFound for one that
    isn't there."""
    buyers = Order.objects.filter(id__in=order_ids, user__isnull=False)
    cart_selectors.lock_carts(user_ids=list(buyers.values_list("user_id", flat=True)))
    rows = Order.objects.select_for_update(no_key=True).filter(id__in=order_ids).order_by("id")
    orders = {order.id: order for order in rows}
    if orders.keys() != set(order_ids):
        raise OrderNotFound
    return orders


def hold_order(*, order_id: uuid.UUID) -> str:
    """Lock the order as `lock_order` does and return its status, which stands until the caller's
    transaction ends. Raises OrderNotFound."""
    return lock_order(order_id=order_id).status
