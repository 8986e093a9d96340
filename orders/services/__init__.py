"""What is done to orders. Each takes the order's row lock; what it decides, it decides under it."""

from orders.services.checkout import CreatedOrder, create_from_cart
from orders.services.closing import CloseReason, close_order
from orders.services.coupons import apply_coupon, deactivate_coupons
from orders.services.invoicing import describe_line, name_seller
from orders.services.refunds import apply_refund, undo_refund
from orders.services.settlement import PaidOutcome, mark_paid
from orders.services.standing import cancel_bought_again, list_standing_enrollments

__all__ = [
    "CloseReason",
    "CreatedOrder",
    "PaidOutcome",
    "apply_coupon",
    "apply_refund",
    "cancel_bought_again",
    "close_order",
    "create_from_cart",
    "deactivate_coupons",
    "describe_line",
    "list_standing_enrollments",
    "mark_paid",
    "name_seller",
    "undo_refund",
]
