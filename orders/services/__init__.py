"""What is done to orders. Each takes the order's row lock; what it decides, it decides under it."""

from orders.services.checkout import CreatedOrder, create_from_cart
from orders.services.closing import CloseReason, close_order
from orders.services.coupons import apply_coupon, deactivate_coupons
from orders.services.invoicing import (
    BookedTax,
    LostMoney,
    credit_lost_money,
    describe_line,
    finish_orders,
    issue_credit_note,
    name_seller,
    void_lost_credit,
    void_outdated_credit,
)
from orders.services.locking import hold_order, lock_order
from orders.services.open_payments import OrderHasOpenPayment, try_past_open_payments
from orders.services.progress import end_progress, note_progress
from orders.services.refunds import apply_refund, undo_refund
from orders.services.settlement import PaidOrder, PaidOutcome, mark_all_paid
from orders.services.standing import cancel_bought_again, list_standing_enrollments

__all__ = [
    "BookedTax",
    "CloseReason",
    "CreatedOrder",
    "LostMoney",
    "OrderHasOpenPayment",
    "PaidOrder",
    "PaidOutcome",
    "apply_coupon",
    "apply_refund",
    "cancel_bought_again",
    "close_order",
    "create_from_cart",
    "credit_lost_money",
    "deactivate_coupons",
    "describe_line",
    "end_progress",
    "finish_orders",
    "hold_order",
    "issue_credit_note",
    "list_standing_enrollments",
    "lock_order",
    "mark_all_paid",
    "name_seller",
    "note_progress",
    "try_past_open_payments",
    "undo_refund",
    "void_lost_credit",
    "void_outdated_credit",
]
