"""Reads of orders, for this app and for those above."""

from orders.selectors.orders import (
    OrderDetail,
    OrderForPayment,
    OrderLine,
    OrderRow,
    get_order,
    get_order_for_payment,
    list_expired_order_ids,
    list_order_lines,
    list_orders,
    show_orders,
)

__all__ = [
    "OrderDetail",
    "OrderForPayment",
    "OrderLine",
    "OrderRow",
    "get_order",
    "get_order_for_payment",
    "list_expired_order_ids",
    "list_order_lines",
    "list_orders",
    "show_orders",
]
