"""Reads of what buyers ask for."""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any, TypedDict

from django.db.models import QuerySet

from payments.errors import RefundRequestNotFound
from payments.models import RefundRequest
from payments.selectors.refunds import CourseOfLine


class RequestItemRow(TypedDict):
    """A line that somebody wants the money back of."""

    id: uuid.UUID
    course: CourseOfLine


class BuyerRow(TypedDict):
    """Who asks."""

    id: uuid.UUID
    email: str
    first_name: str
    last_name: str


class RefundRequestRow(TypedDict):
    """A buyer's request and what became of it. `user` is None once the buyer erased the account."""

    id: uuid.UUID
    order_id: uuid.UUID
    order_number: str
    user: BuyerRow | None
    status: str
    reason: str
    items: list[RequestItemRow]
    created_at: dt.datetime
    decided_at: dt.datetime | None
    decision_reason: str | None
    refund_id: uuid.UUID | None


_COLUMNS = (
    "id", "order_id", "order__order_number", "user_id", "user__email", "user__first_name",
    "user__last_name", "status", "reason", "created_at", "decided_at", "decision_reason",
    "refund_id",
)  # fmt: skip


def list_requests(*, status: str | None = None) -> QuerySet[RefundRequest, Any]:
    """Return everybody's requests, the oldest first, as they are to be answered; to be paged and
    given to `to_request_rows`."""
    requests = RefundRequest.objects.order_by("created_at", "id")
    if status is not None:
        requests = requests.filter(status=status)
    rows: QuerySet[RefundRequest, Any] = requests.values(*_COLUMNS)
    return rows


def to_request_rows(*, rows: Iterable[dict[str, Any]]) -> list[RefundRequestRow]:
    """Return rows of `list_requests` with their lines. One query."""
    rows = list(rows)
    items = _items_by_request([row["id"] for row in rows])
    return [
        {
            "id": row["id"],
            "order_id": row["order_id"],
            "order_number": row["order__order_number"],
            "user": _to_buyer(row),
            "status": row["status"],
            "reason": row["reason"],
            "items": items[row["id"]],
            "created_at": row["created_at"],
            "decided_at": row["decided_at"],
            "decision_reason": row["decision_reason"] or None,
            "refund_id": row["refund_id"],
        }
        for row in rows
    ]


def get_request(*, request_id: uuid.UUID) -> RefundRequestRow:
    """Return the request. Two queries. Raises RefundRequestNotFound."""
    return _one(RefundRequest.objects.filter(id=request_id))


def get_latest_request(*, order_id: uuid.UUID) -> RefundRequestRow:
    """Return the last request made for the order. Two queries. Raises RefundRequestNotFound."""
    return _one(RefundRequest.objects.filter(order_id=order_id).order_by("-created_at", "-id"))


def _one(requests: QuerySet[RefundRequest]) -> RefundRequestRow:
    row = requests.values(*_COLUMNS).first()
    if row is None:
        raise RefundRequestNotFound
    return to_request_rows(rows=[row])[0]


def _to_buyer(row: dict[str, Any]) -> BuyerRow | None:
    if row["user_id"] is None:
        return None
    return {
        "id": row["user_id"],
        "email": row["user__email"],
        "first_name": row["user__first_name"],
        "last_name": row["user__last_name"],
    }


def _items_by_request(ids: Collection[uuid.UUID]) -> dict[uuid.UUID, list[RequestItemRow]]:
    by_request: dict[uuid.UUID, list[RequestItemRow]] = defaultdict(list)
    links = RefundRequest.order_items.through.objects.filter(refundrequest_id__in=ids)
    for link in links.order_by("orderitem_id").values(
        "refundrequest_id", "orderitem_id", "orderitem__course_id",
        "orderitem__title_at_purchase",
    ):  # fmt: skip
        course: CourseOfLine = {
            "id": link["orderitem__course_id"],
            "title": link["orderitem__title_at_purchase"],
        }
        by_request[link["refundrequest_id"]].append({"id": link["orderitem_id"], "course": course})
    return by_request
