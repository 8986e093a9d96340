"""Reads of money on its way: orders that a bank debit is paying, for days."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from orders.models import Order, OrderItem


@dataclass(frozen=True, kw_only=True)
class CourseInProgress:
    """A course that is being paid for, and by which order."""

    course_id: uuid.UUID
    title: str
    order_id: uuid.UUID


def list_courses_in_progress(
    *, user_id: uuid.UUID | None = None, order_id: uuid.UUID | None = None
) -> list[CourseInProgress]:
    """Return the courses for which money of this person, or for this order, is on its way, oldest
    order first. One query."""
    lines = OrderItem.objects.filter(
        order__status=Order.Status.PENDING, order__payment_in_progress_since__isnull=False
    )
    if user_id is not None:
        lines = lines.filter(order__user_id=user_id)
    if order_id is not None:
        lines = lines.filter(order_id=order_id)
    rows = lines.order_by("order__created_at", "order_id", "created_at", "id")
    return [
        CourseInProgress(course_id=course_id, title=title, order_id=of)
        for course_id, title, of in rows.values_list("course_id", "title_at_purchase", "order_id")
    ]


def tell_courses(courses: Iterable[CourseInProgress]) -> list[dict[str, str]]:
    """Return the courses as the details of `PAYMENT_IN_PROGRESS` name them."""
    return [
        {
            "course_id": str(course.course_id),
            "title": course.title,
            "order_id": str(course.order_id),
        }
        for course in courses
    ]
