"""The state machine of orders and their lines: the one place that says which moves are legal.

An order is pending until it is paid (completed) or closed unpaid (failed). Only a completed order
can be refunded, and only once all of its money is back; a refund of some lines leaves it completed.
A line is fulfilled when its enrolment is made; it is canceled when its order closed unpaid, or when
the buyer owned the course by the time the money came (or came back, won on appeal), in which case
its money goes back, or when it costs nothing and staff took the course away since it was ordered.

What is refunded comes back only when a refund that was taken into the order fails at the bank after
all: the order is completed again, a line fulfilled or, where there is nothing to open, canceled.
docs/payments.md shows the same as tables.
"""

from typing import Final, TypeVar

from django.db import models

from orders.errors import IllegalTransition
from orders.models import Order, OrderItem

_S = TypeVar("_S", bound=models.TextChoices)

ORDER_MOVES: Final[dict[Order.Status, frozenset[Order.Status]]] = {
    Order.Status.PENDING: frozenset({Order.Status.COMPLETED, Order.Status.FAILED}),
    Order.Status.COMPLETED: frozenset({Order.Status.REFUNDED}),
    Order.Status.FAILED: frozenset(),
    Order.Status.REFUNDED: frozenset({Order.Status.COMPLETED}),
}
LINE_MOVES: Final[dict[OrderItem.State, frozenset[OrderItem.State]]] = {
    OrderItem.State.PENDING: frozenset({OrderItem.State.FULFILLED, OrderItem.State.CANCELED}),
    OrderItem.State.FULFILLED: frozenset({OrderItem.State.REFUNDED, OrderItem.State.CANCELED}),
    OrderItem.State.CANCELED: frozenset({OrderItem.State.REFUNDED}),
    OrderItem.State.REFUNDED: frozenset({OrderItem.State.FULFILLED, OrderItem.State.CANCELED}),
}


def move_order(order: Order, to: Order.Status) -> None:
    """Set the order's status, unsaved. The caller holds its lock. Raises IllegalTransition."""
    _check(Order.Status(order.status), to, ORDER_MOVES)
    order.status = to


def move_line(item: OrderItem, to: OrderItem.State) -> None:
    """Set the line's state, unsaved, under the order's lock. Raises IllegalTransition."""
    _check(OrderItem.State(item.state), to, LINE_MOVES)
    item.state = to


def _check(now: _S, to: _S, moves: dict[_S, frozenset[_S]]) -> None:
    if to not in moves[now]:
        raise IllegalTransition(status=str(now), wanted=str(to))
