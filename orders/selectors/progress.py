"""Reads of money on its way: orders that a bank debit is paying, for days."""

import uuid

from enrollments.buying import CourseInProgress
from orders.models import Order, OrderItem


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
