"""Orders and coupons over HTTP (plan 4.5, contract "Orders and payments"), by topic."""

from orders.views.coupons import InstructorCouponsView, InstructorCouponView
from orders.views.orders import CreateFromCartView, OrdersView, OrderView

__all__ = [
    "CreateFromCartView",
    "InstructorCouponView",
    "InstructorCouponsView",
    "OrderView",
    "OrdersView",
]
