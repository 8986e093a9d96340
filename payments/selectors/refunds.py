"""Reads of refunds."""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypedDict

from core.money import ZERO
from orders import selectors as order_selectors
from orders.models import OrderItem
from orders.selectors import OrderLine
from payments.models import Payment, Refund, RefundLine
from payments.state import LIVE_REFUNDS, UNDUE_REASONS


@dataclass(frozen=True, kw_only=True)
class RefundFacts:
    """A refund as people hear of it. Major units. `lines` are titles and what of it is for each;
    none where it is for no certain line."""

    order_id: uuid.UUID
    order_number: str
    user_id: uuid.UUID | None
    amount: Decimal
    currency: str
    status: str
    reason: str
    failure_reason: str
    lines: tuple[tuple[str, Decimal], ...]

    @property
    def is_undue(self) -> bool:
        """Whether it is of money that stood for no line: no access hangs on it."""
        return self.reason in UNDUE_REASONS


@dataclass(frozen=True, kw_only=True)
class RefundableLine:
    """A line of a paid order and what of it neither went back nor is about to. Major units."""

    id: uuid.UUID
    course_id: uuid.UUID
    title: str
    left_amount: Decimal
    is_refundable: bool


class CourseOfLine(TypedDict):
    """The course of a line, under the title it was bought by."""

    id: uuid.UUID
    title: str


class RefundItemRow(TypedDict):
    """What of a refund is for one line."""

    id: uuid.UUID
    course: CourseOfLine
    amount: Decimal


class RefundRow(TypedDict):
    """A refund of an order. `note` is for staff alone."""

    id: uuid.UUID
    order_id: uuid.UUID
    amount: Decimal
    currency: str
    status: str
    reason: str
    note: str | None
    items: list[RefundItemRow]
    created_at: dt.datetime


def get_refund_facts(*, refund_id: uuid.UUID) -> RefundFacts:
    """Return what a mail about the refund tells. Raises Refund.DoesNotExist."""
    refund = Refund.objects.select_related("payment").get(id=refund_id)
    order = order_selectors.get_order_for_payment(order_id=refund.payment.order_id, user_id=None)
    items = _items_by_refund([refund.id])[refund.id]
    return RefundFacts(
        order_id=order.id,
        order_number=order.number,
        user_id=order.user_id,
        amount=refund.amount,
        currency=refund.payment.currency,
        status=refund.status,
        reason=refund.reason,
        failure_reason=refund.failure_reason,
        lines=tuple((item["course"]["title"], item["amount"]) for item in items),
    )


def list_refundable_lines(*, payment: Payment) -> list[RefundableLine]:
    """Return the lines of the order that the payment stands for. What is reserved for refunds under
    way is not left any more. Stable only under the payment's lock."""
    reserved = _reserved_by_line(payment)
    lines = order_selectors.list_order_lines(order_id=payment.order_id)
    return [_to_refundable(line, reserved) for line in lines]


def list_refunds(*, order_id: uuid.UUID, for_staff: bool) -> list[RefundRow]:
    """Return the order's refunds, newest first, each with its lines. Two queries."""
    refunds = Refund.objects.filter(payment__order_id=order_id).order_by("-created_at", "-id")
    return _to_rows(refunds.values(*_COLUMNS), for_staff=for_staff)


def get_refund(*, refund_id: uuid.UUID, for_staff: bool) -> RefundRow:
    """Return the refund with its lines. Two queries. Raises IndexError for an unknown one."""
    return _to_rows(Refund.objects.filter(id=refund_id).values(*_COLUMNS), for_staff=for_staff)[0]


_COLUMNS = (
    "id", "payment__order_id", "payment__currency", "amount", "status", "reason", "note",
    "created_at",
)  # fmt: skip


def _to_rows(found: Iterable[dict[str, Any]], *, for_staff: bool) -> list[RefundRow]:
    rows = list(found)
    items = _items_by_refund([row["id"] for row in rows])
    return [
        {
            "id": row["id"],
            "order_id": row["payment__order_id"],
            "amount": row["amount"],
            "currency": row["payment__currency"],
            "status": row["status"],
            "reason": row["reason"],
            "note": row["note"] if for_staff else None,
            "items": items[row["id"]],
            "created_at": row["created_at"],
        }
        for row in rows
    ]


def _items_by_refund(refund_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, list[RefundItemRow]]:
    by_refund: dict[uuid.UUID, list[RefundItemRow]] = defaultdict(list)
    lines = RefundLine.objects.filter(refund_id__in=refund_ids).order_by("order_item_id")
    for line in lines.values(
        "refund_id", "amount", "order_item_id", "order_item__course_id",
        "order_item__title_at_purchase",
    ):  # fmt: skip
        course: CourseOfLine = {
            "id": line["order_item__course_id"],
            "title": line["order_item__title_at_purchase"],
        }
        by_refund[line["refund_id"]].append(
            {"id": line["order_item_id"], "course": course, "amount": line["amount"]}
        )
    return by_refund


def _to_refundable(line: OrderLine, reserved: dict[uuid.UUID, Decimal]) -> RefundableLine:
    left = line.paid_amount - line.refunded_amount - reserved.get(line.id, ZERO)
    # One that cost nothing is refunded with others, once.
    has_left = left > 0 or (line.paid_amount == 0 and line.id not in reserved)
    return RefundableLine(
        id=line.id,
        course_id=line.course_id,
        title=line.title,
        left_amount=left,
        is_refundable=line.state != OrderItem.State.REFUNDED and has_left,
    )


def _reserved_by_line(payment: Payment) -> dict[uuid.UUID, Decimal]:
    lines = RefundLine.objects.filter(
        refund__payment=payment, refund__status__in=LIVE_REFUNDS, refund__applied_at=None
    )
    reserved: dict[uuid.UUID, Decimal] = defaultdict(lambda: ZERO)
    for item_id, amount in lines.values_list("order_item_id", "amount"):
        reserved[item_id] += amount
    return dict(reserved)
