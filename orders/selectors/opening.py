"""Reads of what paying an order would open."""

import uuid
from typing import TypedDict

from cart.selectors import Obstacle
from enrollments import selectors as enrollment_selectors
from orders.models import OrderItem


class ShutLine(TypedDict):
    """A line that its order can't open, as the details of errors name it. `reason` is a word of
    `Obstacle`."""

    course_id: str
    title: str
    reason: str


def list_shut_lines(*, order_id: uuid.UUID, user_id: uuid.UUID | None) -> list[ShutLine]:
    """Return the lines of a pending order of this person when none of them could be opened by
    paying it any more, as each course is theirs by now, or is free and was taken away by staff: all
    of the money would go back. Empty as soon as one line could be opened, and without a person. Two
    queries, and another where all that isn't theirs is free.

    Without a lock: a settlement decides anew, by the same rule (`enroll_bought`).
    """
    if user_id is None:
        return []
    items = OrderItem.objects.filter(order_id=order_id).order_by("created_at", "id")
    rows = list(items.values_list("course_id", "title_at_purchase", "price_at_purchase"))
    owned = enrollment_selectors.owned_course_ids(
        user_id=user_id, course_ids=[course_id for course_id, _, _ in rows]
    )
    shut = dict.fromkeys(owned, Obstacle.ALREADY_ENROLLED)
    left = [(course_id, price) for course_id, _, price in rows if course_id not in shut]
    if left and not any(price for _, price in left):
        free = [course_id for course_id, _ in left]
        withdrawn = enrollment_selectors.withdrawn_course_ids(user_id=user_id, course_ids=free)
        shut |= dict.fromkeys(withdrawn, Obstacle.ACCESS_WITHDRAWN)
    if any(course_id not in shut for course_id, _, _ in rows):
        return []
    return [
        {"course_id": str(course_id), "title": title, "reason": shut[course_id].value}
        for course_id, title, _ in rows
    ]
