"""Orders and coupons over HTTP (plan 4.5, contract "Orders and payments"), by topic."""

from orders.views.coupons import InstructorCouponsView, InstructorCouponView
from orders.views.documents import CreditNotesView, CreditNoteView, ReceiptView
from orders.views.orders import CreateFromCartView, OrdersView, OrderView

__all__ = [
    "CreateFromCartView",
    "CreditNoteView",
    "CreditNotesView",
    "InstructorCouponView",
    "InstructorCouponsView",
    "OrderView",
    "OrdersView",
    "ReceiptView",
]
