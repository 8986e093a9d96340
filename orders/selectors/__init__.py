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
    HeldDocument,
    explain_held,
    find_held_receipts,
    get_credit_note,
    get_receipt,
    list_credit_notes,
    list_credited_disputes,
)
from orders.selectors.opening import ShutLine, list_shut_lines
from orders.selectors.orders import (
    OrderDetail,
    OrderForPayment,
    OrderLine,
    OrderRow,
    get_order,
    get_order_for_payment,
    list_details,
    list_expired_orders,
    list_lines_of_orders,
    list_order_lines,
    list_orders,
    list_paying_payments,
    show_orders,
)
from orders.selectors.progress import list_courses_in_progress

__all__ = [
    "CartCouponRow",
    "CouponRow",
    "CreditNoteRow",
    "HeldDocument",
    "OrderDetail",
    "OrderForPayment",
    "OrderLine",
    "OrderRow",
    "PricedCartRow",
    "PricedLineRow",
    "ShutLine",
    "explain_held",
    "find_held_receipts",
    "get_credit_note",
    "get_order",
    "get_order_for_payment",
    "get_own_coupon",
    "get_priced_cart",
    "get_receipt",
    "list_courses_in_progress",
    "list_credit_notes",
    "list_credited_disputes",
    "list_details",
    "list_expired_orders",
    "list_lines_of_orders",
    "list_order_lines",
    "list_orders",
    "list_own_coupons",
    "list_paying_payments",
    "list_shut_lines",
    "show_coupons",
    "show_orders",
]
