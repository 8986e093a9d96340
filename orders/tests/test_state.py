"""Every move of the state machine, legal or not."""

import itertools

import pytest

from orders.errors import IllegalTransition
from orders.models import Order, OrderItem
from orders.state import move_line, move_order

LEGAL_ORDER = {
    ("pending", "completed"),
    ("pending", "failed"),
    ("completed", "refunded"),
    ("refunded", "completed"),
}
LEGAL_LINE = {
    ("pending", "fulfilled"),
    ("pending", "canceled"),
    ("fulfilled", "refunded"),
    ("fulfilled", "canceled"),
    ("canceled", "refunded"),
    ("refunded", "fulfilled"),
    ("refunded", "canceled"),
}


@pytest.mark.parametrize(("now", "to"), list(itertools.product(Order.Status.values, repeat=2)))
def test_order_moves(now, to):
    order = Order(status=now)
    if (now, to) in LEGAL_ORDER:
        move_order(order, Order.Status(to))
        assert order.status == to
    else:
        with pytest.raises(IllegalTransition):
            move_order(order, Order.Status(to))
        assert order.status == now


@pytest.mark.parametrize(("now", "to"), list(itertools.product(OrderItem.State.values, repeat=2)))
def test_line_moves(now, to):
    item = OrderItem(state=now)
    if (now, to) in LEGAL_LINE:
        move_line(item, OrderItem.State(to))
        assert item.state == to
    else:
        with pytest.raises(IllegalTransition):
            move_line(item, OrderItem.State(to))
        assert item.state == now
