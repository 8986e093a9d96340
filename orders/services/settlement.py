"""Paid means enrolled: an order's completion, all of it in one transaction."""

import uuid
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from django.utils import timezone

from cart import services as cart_services
from core.outbox import record
from enrollments import services as enrollment_services
from orders.events import OrderCompleted
from orders.models import STRIPE, Order, OrderItem
from orders.services.locking import lock_cart_and_order
from orders.state import move_line, move_order


@dataclass(frozen=True, kw_only=True)
class PaidOutcome:
    """What a payment did to its order.

    `completed`: it settled it now; the money of `already_owned_item_ids` is to be given back, as
    the buyer owned these courses by then. `already_completed`: nothing to do when `same_payment`,
    else the order was paid twice. `order_closed`: the order had ended unpaid before the money came.
    `amount_mismatch`: amount or currency isn't the order's. In the last two nothing was changed and
    the money has to go back.
    """

    kind: Literal["completed", "already_completed", "order_closed", "amount_mismatch"]
    already_owned_item_ids: list[uuid.UUID] = field(default_factory=list)
    same_payment: bool = False


def mark_paid(
    *, order_id: uuid.UUID, payment_id: str, transaction_id: str, amount: Decimal, currency: str
) -> PaidOutcome:
    """Complete the order with a payment that succeeded: enrol every line, take the bought courses
    out of cart and wishlist and record OrderCompleted. What is `completed` is to be given its
    invoice (`issue_invoice`) as the last act of the transaction.

    Runs in the caller's transaction (TransactionManagementError outside one) and takes the locks of
    the buyer's cart and of the order, so that ordering, payment, expiry and replacement are decided
    one after the other. `payment_id` is
    the intent, `transaction_id` the charge, `amount` in major units. Raises OrderNotFound.
    """
    order = lock_cart_and_order(order_id=order_id)
    if order.status in (Order.Status.COMPLETED, Order.Status.REFUNDED):
        return PaidOutcome(kind="already_completed", same_payment=order.payment_id == payment_id)
    # Without its buyer (erased since) there is nobody to enrol: the money goes back.
    if order.status != Order.Status.PENDING or order.user_id is None:
        return PaidOutcome(kind="order_closed", same_payment=False)
    if amount != order.total_amount or currency.lower() != order.currency:
        return PaidOutcome(kind="amount_mismatch")
    order.payment_method = STRIPE
    order.payment_id = payment_id
    order.transaction_id = transaction_id
    owned = complete_locked(order=order, user_id=order.user_id)
    return PaidOutcome(kind="completed", already_owned_item_ids=owned, same_payment=True)


def complete_locked(*, order: Order, user_id: uuid.UUID) -> list[uuid.UUID]:
    """Complete a pending order; the caller holds the locks of its buyer's cart and its own, and
    gives it its invoice. Returns the lines of courses that the buyer owns by now, which aren't
    enrolled again."""
    move_order(order, Order.Status.COMPLETED)
    order.completed_at = timezone.now()
    order.payment_in_progress_since = None
    order.save()
    items = list(OrderItem.objects.filter(order_id=order.id).order_by("created_at", "id"))
    owned = _enroll_lines(user_id=user_id, items=items)
    cart_services.settle_cart(
        user_id=user_id,
        course_ids=[item.course_id for item in items],
        coupon_code=order.coupon.code if order.coupon else "",
    )
    record(OrderCompleted(order_id=order.id, user_id=user_id))
    return owned


def _enroll_lines(*, user_id: uuid.UUID, items: list[OrderItem]) -> list[uuid.UUID]:
    bought = {
        row.course_id: row
        for row in enrollment_services.enroll_bought(
            user_id=user_id, course_ids=[item.course_id for item in items]
        )
    }
    owned: list[uuid.UUID] = []
    for item in items:
        enrollment = bought[item.course_id]
        if enrollment.already_owned:
            # The enrolment belongs to what opened it: refunding this line must not close it.
            move_line(item, OrderItem.State.CANCELED)
            owned.append(item.id)
        else:
            move_line(item, OrderItem.State.FULFILLED)
            item.enrollment_id = enrollment.enrollment_id
    OrderItem.objects.bulk_update(items, ["state", "enrollment"])
    return owned
