"""Paid means enrolled: the completion of orders, all of it in one transaction.

Whatever is done to one order is done to many by the same statements: one is a batch of one.
"""

import datetime as dt
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final, Literal

from django.db.models import OuterRef, Subquery
from django.utils import timezone

from cart import services as cart_services
from cart.services import PaidCart
from core.bulk import update_each
from core.outbox import record_all
from enrollments import services as enrollment_services
from enrollments.services import BoughtEnrollment, Purchase
from orders.events import OrderCompleted
from orders.models import STRIPE, Coupon, Order, OrderItem
from orders.services.locking import lock_carts_and_orders
from orders.state import move_line, move_order

_COMPLETED_FIELDS: Final = (
    "status", "completed_at", "payment_in_progress_since", "payment_method", "payment_id",
    "transaction_id", "updated_at",
)  # fmt: skip
# The shortest time that the database tells from none.
_A_MOMENT: Final = dt.timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True)
class PaidOutcome:
    """What a payment did to its order.

    `completed`: it settled it now; the money of `already_owned_item_ids` is to be given back, as
    the buyer owned these courses by then. `already_completed`: nothing to do when `same_payment`,
    else the order was paid twice. `order_closed`: the order had ended unpaid before the money came.
    `amount_mismatch`: amount or currency isn't the order's. In the last two nothing was changed and
    the money has to go back; `is_pending` then is whether the order still waits to be paid.
    """

    kind: Literal["completed", "already_completed", "order_closed", "amount_mismatch"]
    already_owned_item_ids: list[uuid.UUID] = field(default_factory=list)
    same_payment: bool = False
    is_pending: bool = False


@dataclass(frozen=True, kw_only=True)
class PaidOrder:
    """A payment that succeeded, and the order it was made for. `payment_id` is the intent,
    `transaction_id` the charge, `amount` in major units."""

    order_id: uuid.UUID
    payment_id: str
    transaction_id: str
    amount: Decimal
    currency: str
    # When it succeeded by our clock: order, invoice and ledger are dated by this one reading.
    paid_at: dt.datetime = field(default_factory=timezone.now)


def mark_all_paid(*, payments: Sequence[PaidOrder]) -> list[PaidOutcome]:
    """Complete orders with payments that succeeded: enrol every line, take the bought courses out
    of carts and wishlists and record OrderCompleted. Returns what became of each payment, as if
    they had come one after the other; how many statements that takes doesn't depend on how many
    they are. What is `completed` is to be finished (`finish_orders`), as the last act of the
    transaction.

    Runs in the caller's transaction (TransactionManagementError outside one) and takes the locks of
    the buyers' carts and of the orders, so that ordering, payment, expiry and replacement are
    decided one after the other. Raises OrderNotFound, with nothing done.
    """
    orders = lock_carts_and_orders(order_ids={paid.order_id for paid in payments})
    outcomes = [_decide(orders[paid.order_id], paid) for paid in payments]
    completed = [
        orders[paid.order_id]
        for paid, outcome in zip(payments, outcomes, strict=True)
        if outcome.kind == "completed"
    ]
    owned = complete_locked(orders=completed)
    return [
        replace(outcome, already_owned_item_ids=owned[paid.order_id])
        if outcome.kind == "completed"
        else outcome
        for paid, outcome in zip(payments, outcomes, strict=True)
    ]


def complete_locked(*, orders: Collection[Order]) -> dict[uuid.UUID, list[uuid.UUID]]:
    """Complete pending orders, each of a person who is there; the caller holds the locks of their
    buyers' carts and their own, and finishes them (`finish_orders`). An order is completed later
    than its buyer's earlier ones of the same courses, whatever the clock says. Returns of each
    order the lines of courses that its buyer owns by now, which aren't enrolled again."""
    if not orders:
        return {}
    now = timezone.now()
    lines, bought_before = _list_lines(orders)
    for order in orders:
        if order.status != Order.Status.COMPLETED:
            move_order(order, Order.Status.COMPLETED)
        order.completed_at = order.completed_at or now
        if order.id in bought_before:
            order.completed_at = max(order.completed_at, bought_before[order.id] + _A_MOMENT)
        order.updated_at = now
        order.payment_in_progress_since = None
    update_each(orders, fields=_COMPLETED_FIELDS)
    owned = _enroll_lines(orders, lines)
    cart_services.settle_carts(paid=_list_paid_carts(orders, lines))
    record_all([OrderCompleted(order_id=order.id, user_id=_buyer(order)) for order in orders])
    return owned


def _decide(order: Order, paid: PaidOrder) -> PaidOutcome:
    """Return what the payment does to its locked order, and set that, unsaved."""
    if order.status in (Order.Status.COMPLETED, Order.Status.REFUNDED):
        is_same = order.payment_id == paid.payment_id
        return PaidOutcome(kind="already_completed", same_payment=is_same)
    is_pending = order.status == Order.Status.PENDING
    # Without its buyer (erased since) there is nobody to enrol: the money goes back.
    if not is_pending or order.user_id is None:
        return PaidOutcome(kind="order_closed", is_pending=is_pending)
    if paid.amount != order.total_amount or paid.currency.lower() != order.currency:
        return PaidOutcome(kind="amount_mismatch", is_pending=True)
    # At once, as another payment of the same order may come with it.
    move_order(order, Order.Status.COMPLETED)
    order.payment_method = STRIPE
    order.payment_id = paid.payment_id
    order.transaction_id = paid.transaction_id
    order.completed_at = paid.paid_at
    return PaidOutcome(kind="completed", same_payment=True)


def _list_lines(
    orders: Collection[Order],
) -> tuple[dict[uuid.UUID, list[OrderItem]], dict[uuid.UUID, dt.datetime]]:
    """Return the lines of each order; and of those whose buyers bought one of the courses before,
    when: which order is the later one (`find_bought_again`) mustn't hang on the clocks of two
    processes."""
    lines: dict[uuid.UUID, list[OrderItem]] = {order.id: [] for order in orders}
    bought_before: dict[uuid.UUID, dt.datetime] = {}
    before = OrderItem.objects.filter(
        enrollment__user_id=OuterRef("order__user_id"), enrollment__course_id=OuterRef("course_id")
    ).order_by("-order__completed_at")
    items = OrderItem.objects.filter(order_id__in=lines).order_by("created_at", "id")
    for item in items.annotate(before=Subquery(before.values("order__completed_at")[:1])):
        lines[item.order_id].append(item)
        if item.before is not None:
            earlier = bought_before.get(item.order_id, item.before)
            bought_before[item.order_id] = max(earlier, item.before)
    return lines, bought_before


def _list_paid_carts(
    orders: Collection[Order], lines: Mapping[uuid.UUID, Sequence[OrderItem]]
) -> list[PaidCart]:
    used = {order.coupon_id for order in orders if order.coupon_id is not None}
    codes = dict(Coupon.objects.filter(id__in=used).values_list("id", "code"))
    return [
        PaidCart(
            user_id=_buyer(order),
            course_ids=[item.course_id for item in lines[order.id]],
            coupon_code=codes[order.coupon_id] if order.coupon_id is not None else "",
        )
        for order in orders
    ]


def _enroll_lines(
    orders: Collection[Order], lines: Mapping[uuid.UUID, Sequence[OrderItem]]
) -> dict[uuid.UUID, list[uuid.UUID]]:
    bought = enrollment_services.enroll_bought(
        purchases=[
            Purchase(
                user_id=_buyer(order),
                course_ids=[item.course_id for item in lines[order.id]],
                free_ids=[item.course_id for item in lines[order.id] if not item.price_at_purchase],
            )
            for order in orders
        ]
    )
    owned = {
        order.id: _fulfill(lines[order.id], {row.course_id: row for row in rows})
        for order, rows in zip(orders, bought, strict=True)
    }
    items = [item for of_order in lines.values() for item in of_order]
    update_each(items, fields=["state", "enrollment"])
    return owned


def _fulfill(
    items: Sequence[OrderItem], bought: Mapping[uuid.UUID, BoughtEnrollment]
) -> list[uuid.UUID]:
    """Move an order's lines, unsaved; returns those whose course it didn't open."""
    owned: list[uuid.UUID] = []
    for item in items:
        enrollment = bought[item.course_id]
        if not enrollment.opened:
            # The enrolment belongs to what opened it: refunding this line must not close it.
            move_line(item, OrderItem.State.CANCELED)
            owned.append(item.id)
        else:
            move_line(item, OrderItem.State.FULFILLED)
            item.enrollment_id = enrollment.enrollment_id
    return owned


def _buyer(order: Order) -> uuid.UUID:
    if order.user_id is None:
        raise ValueError("An order without its buyer isn't completed")
    return order.user_id
