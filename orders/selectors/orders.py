"""Reads of orders."""

import datetime as dt
import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypedDict

from django.db.models import Case, QuerySet, When
from django.utils import timezone

from orders import paying
from orders.errors import OrderNotFound
from orders.models import STRIPE, Order, OrderItem
from orders.paying import LatePayment


@dataclass(frozen=True, kw_only=True)
class OrderForPayment:
    """What a payment needs to know of an order. `total_amount` is in major units, `currency` in
    lower case; `email` is where a receipt goes; `is_in_progress` says that money for it is on its
    way."""

    id: uuid.UUID
    number: str
    user_id: uuid.UUID | None
    status: str
    total_amount: Decimal
    refunded_amount: Decimal
    currency: str
    email: str
    payment_id: str
    created_at: dt.datetime
    expires_at: dt.datetime
    completed_at: dt.datetime | None
    is_in_progress: bool

    @property
    def is_overdue(self) -> bool:
        """Whether it is pending beyond its time; a sweep will close it any moment."""
        return self.status == Order.Status.PENDING and self.expires_at <= timezone.now()


@dataclass(frozen=True, kw_only=True)
class OrderLine:
    """A line as refunds, disputes and the ledger see it. `net_amount` is the price after its
    discount, before tax; `instructor_id` is who taught the course when it was ordered."""

    id: uuid.UUID
    course_id: uuid.UUID
    title: str
    net_amount: Decimal
    tax_amount: Decimal
    refunded_amount: Decimal
    state: str
    enrollment_id: uuid.UUID | None
    instructor_id: uuid.UUID | None

    @property
    def paid_amount(self) -> Decimal:
        """What is paid for this line, with its tax."""
        return self.net_amount + self.tax_amount


class CourseOfLine(TypedDict):
    """The course of a line, under the title it was bought by."""

    id: uuid.UUID
    title: str


class ItemRow(TypedDict):
    """A line of an order."""

    id: uuid.UUID
    course: CourseOfLine
    price_at_purchase: Decimal
    discount_amount: Decimal
    tax_amount: Decimal
    refunded_amount: Decimal
    state: str


class OrderRow(TypedDict):
    """An order in the list (plan 4.5). `payment` is None until it is being paid."""

    id: uuid.UUID
    order_number: str
    status: str
    created_at: dt.datetime
    completed_at: dt.datetime | None
    total_amount: Decimal
    refunded_amount: Decimal
    currency: str
    items_count: int
    items: list[ItemRow]
    payment: "PaymentRow | None"


class LateRefundRow(TypedDict):
    """What goes back of money that doesn't stand for its order. `status` is the refund's."""

    amount: Decimal
    status: str


class PaymentRow(TypedDict):
    """How an order was paid, or is being paid: then nothing has come yet that could be named.
    `refund` is of a failed order, whose money came too late, or of a pending one, whose money was
    of another amount."""

    method: str
    status: str
    transaction_id: str | None
    refund: LateRefundRow | None


class TaxLineRow(TypedDict):
    """A part of the tax. `rate` is in percent."""

    name: str
    rate: Decimal
    amount: Decimal


class OrderDetail(OrderRow):
    """An order by itself (plan 4.5)."""

    subtotal: Decimal
    discount_amount: Decimal
    tax_amount: Decimal
    tax_lines: list[TaxLineRow]
    coupon_code: str | None
    failure_reason: str | None
    expires_at: dt.datetime
    billing_address: dict[str, str] | None
    invoice_number: str | None


# Money of theirs that came was in vain.
_UNPAID = (Order.Status.PENDING, Order.Status.FAILED)
_LIST_COLUMNS = (
    "id", "order_number", "status", "created_at", "completed_at", "total_amount",
    "refunded_amount", "currency", "payment_method", "transaction_id", "payment_in_progress_since",
)  # fmt: skip
_DETAIL_COLUMNS = (
    *_LIST_COLUMNS, "subtotal", "discount_amount", "tax_amount", "tax_lines", "coupon__code",
    "failure_reason", "expires_at", "billing_address", "invoice__number",
)  # fmt: skip


def list_orders(*, user_id: uuid.UUID, status: str | None = None) -> QuerySet[Order, Any]:
    """Return the person's orders, newest first, to be paged and given to `show_orders`."""
    orders = Order.objects.filter(user_id=user_id).order_by("-created_at", "-id")
    if status is not None:
        orders = orders.filter(status=status)
    rows: QuerySet[Order, Any] = orders.values(*_LIST_COLUMNS)
    return rows


def show_orders(*, rows: Iterable[dict[str, Any]]) -> list[OrderRow]:
    """Return rows of `list_orders` with their lines. One query, and at most two more when some of
    them are pending or failed."""
    return _show(list(rows))


def get_order(*, order_id: uuid.UUID, user_id: uuid.UUID | None) -> OrderDetail:
    """Return the person's order, or, with `user_id` None, anybody's: for staff. Two queries, and
    at most two more of a pending or failed one. Raises OrderNotFound, also for somebody else's."""
    rows = Order.objects.filter(id=order_id)
    if user_id is not None:
        rows = rows.filter(user_id=user_id)
    row = rows.values(*_DETAIL_COLUMNS).first()
    if row is None:
        raise OrderNotFound
    (head,) = _show([row])
    return _detail(head, row)


def list_details(*, order_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, OrderDetail]:
    """Return anybody's orders by id, for the system; by as many queries as `get_order` one. Raises
    OrderNotFound when one of them is none."""
    rows = list(Order.objects.filter(id__in=order_ids).values(*_DETAIL_COLUMNS))
    if len(rows) < len(set(order_ids)):
        raise OrderNotFound
    heads = _show(rows)
    return {head["id"]: _detail(head, row) for head, row in zip(heads, rows, strict=True)}


def _detail(head: OrderRow, row: dict[str, Any]) -> OrderDetail:
    return {
        **head,
        "subtotal": row["subtotal"],
        "discount_amount": row["discount_amount"],
        "tax_amount": row["tax_amount"],
        "tax_lines": [_show_tax(line) for line in row["tax_lines"]],
        "coupon_code": row["coupon__code"],
        "failure_reason": row["failure_reason"] or None,
        "expires_at": row["expires_at"],
        "billing_address": row["billing_address"] or None,
        "invoice_number": row["invoice__number"],
    }


def get_order_for_payment(*, order_id: uuid.UUID, user_id: uuid.UUID | None) -> OrderForPayment:
    """Return the order's facts without a lock. Raises OrderNotFound, also for somebody else's.

    `user_id` None reads any order: for the system and for staff, never for a request of a buyer.
    """
    orders = Order.objects.filter(id=order_id)
    if user_id is not None:
        orders = orders.filter(user_id=user_id)
    order = orders.select_related("user").first()
    if order is None:
        raise OrderNotFound
    account_email = order.user.email if order.user else ""
    return OrderForPayment(
        id=order.id,
        number=order.order_number,
        user_id=order.user_id,
        status=order.status,
        total_amount=order.total_amount,
        refunded_amount=order.refunded_amount,
        currency=order.currency,
        email=order.billing_address.get("email") or account_email,
        payment_id=order.payment_id,
        created_at=order.created_at,
        expires_at=order.expires_at,
        completed_at=order.completed_at,
        is_in_progress=order.payment_in_progress_since is not None,
    )


def list_paying_payments(*, order_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return by order the payment that it was paid with, "" where none did; by one query."""
    return dict(Order.objects.filter(id__in=order_ids).values_list("id", "payment_id"))


def list_order_lines(*, order_id: uuid.UUID) -> list[OrderLine]:
    """Return the order's lines in their order; none for an unknown order."""
    return list_lines_of_orders(order_ids=[order_id]).get(order_id, [])


def list_lines_of_orders(*, order_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, list[OrderLine]]:
    """Return the lines of each order in their order, by one query; unknown orders are missing."""
    lines: dict[uuid.UUID, list[OrderLine]] = {}
    for item in OrderItem.objects.filter(order_id__in=order_ids).order_by("created_at", "id"):
        line = OrderLine(
            id=item.id,
            course_id=item.course_id,
            title=item.title_at_purchase,
            net_amount=item.price_at_purchase - item.discount_amount,
            tax_amount=item.tax_amount,
            refunded_amount=item.refunded_amount,
            state=item.state,
            enrollment_id=item.enrollment_id,
            instructor_id=item.instructor_id,
        )
        lines.setdefault(item.order_id, []).append(line)
    return lines


def list_expired_orders(*, after: dt.datetime, limit: int) -> list[tuple[uuid.UUID, dt.datetime]]:
    """Return up to `limit` pending orders whose time is over, each with when that was: first those
    that ended after that moment, then from the longest overdue on. Those whose money is on its way
    aren't among them."""
    overdue = Order.objects.filter(
        status=Order.Status.PENDING,
        payment_in_progress_since=None,
        expires_at__lte=timezone.now(),
    )
    is_later = Case(When(expires_at__gt=after, then=0), default=1)
    rows = overdue.order_by(is_later, "expires_at", "id").values_list("id", "expires_at")
    return list(rows[:limit])


def _items_by_order(order_ids: list[uuid.UUID]) -> dict[uuid.UUID, list[ItemRow]]:
    rows = OrderItem.objects.filter(order_id__in=order_ids).order_by("created_at", "id")
    by_order: dict[uuid.UUID, list[ItemRow]] = {}
    for row in rows.values(
        "id", "order_id", "course_id", "title_at_purchase", "price_at_purchase",
        "discount_amount", "tax_amount", "refunded_amount", "state",
    ):  # fmt: skip
        by_order.setdefault(row["order_id"], []).append(
            {
                "id": row["id"],
                "course": {"id": row["course_id"], "title": row["title_at_purchase"]},
                "price_at_purchase": row["price_at_purchase"],
                "discount_amount": row["discount_amount"],
                "tax_amount": row["tax_amount"],
                "refunded_amount": row["refunded_amount"],
                "state": row["state"],
            }
        )
    return by_order


def _show(rows: list[dict[str, Any]]) -> list[OrderRow]:
    items = _items_by_order([row["id"] for row in rows])
    unpaid = [row["id"] for row in rows if row["status"] in _UNPAID]
    late = paying.find_late_payments(order_ids=unpaid)
    return [
        _show_one(row, items.get(row["id"], []), _show_payment(row, late.get(row["id"])))
        for row in rows
    ]


def _show_one(row: dict[str, Any], items: list[ItemRow], payment: PaymentRow | None) -> OrderRow:
    return {
        "id": row["id"],
        "order_number": row["order_number"],
        "status": row["status"],
        "created_at": row["created_at"],
        "completed_at": row["completed_at"],
        "total_amount": row["total_amount"],
        "refunded_amount": row["refunded_amount"],
        "currency": row["currency"],
        "items_count": len(items),
        "items": items,
        "payment": payment,
    }


def _show_tax(line: dict[str, str]) -> TaxLineRow:
    """Decimals are stored as texts, as JSON has no decimal numbers."""
    return {
        "name": line["name"],
        "rate": Decimal(line["rate"]),
        "amount": Decimal(line["amount"]),
    }


def _show_payment(row: dict[str, Any], late: LatePayment | None) -> PaymentRow | None:
    if row["status"] == Order.Status.PENDING and row["payment_in_progress_since"] is not None:
        return {"method": STRIPE, "status": "processing", "transaction_id": None, "refund": None}
    if row["status"] in _UNPAID:
        return _show_late_payment(late) if late is not None else None
    if not row["payment_method"]:
        return None
    return {
        "method": row["payment_method"],
        "status": "refunded" if row["status"] == Order.Status.REFUNDED else "succeeded",
        "transaction_id": row["transaction_id"],
        "refund": None,
    }


def _show_late_payment(late: LatePayment) -> PaymentRow:
    refund: LateRefundRow | None = None
    if late.refund_amount is not None and late.refund_status is not None:
        refund = {"amount": late.refund_amount, "status": late.refund_status}
    return {
        "method": STRIPE,
        "status": late.status,
        "transaction_id": late.transaction_id,
        "refund": refund,
    }
