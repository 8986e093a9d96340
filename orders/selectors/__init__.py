"""Reads of orders, for this app and for those above."""

from orders.selectors.carts import (
    CartCouponRow,
    PricedCartRow,
    PricedLineRow,
    get_priced_cart,
)
from orders.selectors.coupons import (
    CouponRow,
    get_own_coupon,
    list_own_coupons,
    show_coupons,
)
from orders.selectors.documents import (
    CreditNoteRow,
    get_credit_note,
    get_receipt,
    list_credit_notes,
)
from orders.selectors.orders import (
    OrderDetail,
    OrderForPayment,
    OrderLine,
    OrderRow,
    get_order,
    get_order_for_payment,
    list_expired_order_ids,
    list_lines_of_orders,
    list_order_lines,
    list_orders,
    show_orders,
)

__all__ = [
    "CartCouponRow",
    "CouponRow",
    "CreditNoteRow",
    "OrderDetail",
    "OrderForPayment",
    "OrderLine",
    "OrderRow",
    "PricedCartRow",
    "PricedLineRow",
    "get_credit_note",
    "get_order",
    "get_order_for_payment",
    "get_own_coupon",
    "get_priced_cart",
    "get_receipt",
    "list_credit_notes",
    "list_expired_order_ids",
    "list_lines_of_orders",
    "list_order_lines",
    "list_orders",
    "list_own_coupons",
    "show_coupons",
    "show_orders",
]
