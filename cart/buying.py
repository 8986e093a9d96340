"""What the orders, a floor above, tell the cart: the courses that somebody is paying for already.
They register when the product starts, as counters do; without them nothing is being paid for."""

import uuid
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class CourseInProgress:
    """A course that is being paid for, and by which order."""

    course_id: uuid.UUID
    title: str
    order_id: uuid.UUID


class _Finding(Protocol):
    def __call__(self, *, user_id: uuid.UUID) -> list[CourseInProgress]: ...


_registered: list[_Finding] = []


def register_purchases(*, find_in_progress: _Finding) -> None:
    """Take the orders in. `find_in_progress` returns the courses for which money of the person is
    on its way."""
    _registered[:] = [find_in_progress]


def list_courses_in_progress(*, user_id: uuid.UUID) -> list[CourseInProgress]:
    """Return the courses for which money of the person is on its way. One query."""
    return [course for find in _registered for course in find(user_id=user_id)]


def tell_courses(courses: list[CourseInProgress]) -> list[dict[str, str]]:
    """Return the courses as the details of `PAYMENT_IN_PROGRESS` name them."""
    return [
        {
            "course_id": str(course.course_id),
            "title": course.title,
            "order_id": str(course.order_id),
        }
        for course in courses
    ]
