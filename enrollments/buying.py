"""What the orders, floors above, tell of courses that somebody is paying for already. They register
when the product starts, as counters do; without them nothing is being paid for."""

import uuid
from dataclasses import dataclass
from typing import Protocol

from enrollments.errors import PaymentInProgress


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


def is_being_paid(*, user_id: uuid.UUID, course_id: uuid.UUID) -> bool:
    """Whether money of the person for the course is on its way. One query."""
    in_progress = list_courses_in_progress(user_id=user_id)
    return any(course.course_id == course_id for course in in_progress)


def require_not_being_paid(*, user_id: uuid.UUID, course_id: uuid.UUID) -> None:
    """Raise PaymentInProgress, naming the course, when money of the person for it is on its way."""
    in_progress = list_courses_in_progress(user_id=user_id)
    if found := [course for course in in_progress if course.course_id == course_id]:
        raise PaymentInProgress(courses=tell_courses(found))


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
