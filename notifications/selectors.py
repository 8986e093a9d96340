"""Reads of what people want to hear of, and of what may be told them."""

import uuid
from collections.abc import Collection, Sequence
from typing import Literal

from enrollments import selectors as enrollment_selectors
from notifications.course_access import CourseAccess, Standing
from notifications.models import NotificationPreference
from orders import selectors as order_selectors
from orders.selectors import OrderLine
from users.models import User

Kind = Literal["email_enrollment", "email_completion", "email_review"]


def wants(*, user_id: uuid.UUID, kind: Kind) -> bool:
    """Return whether the person wants this kind of mail; without a word from them, yes."""
    chosen = NotificationPreference.objects.filter(user_id=user_id).values_list(kind, flat=True)
    return chosen.first() is not False


def who_declined(*, user_ids: Collection[uuid.UUID], kind: Kind) -> set[uuid.UUID]:
    """Return which of these people don't want this kind of mail; by one query."""
    chosen = NotificationPreference.objects.filter(user_id__in=user_ids, **{kind: False})
    return set(chosen.values_list("user_id", flat=True))


def find_ordered_access(*, order_id: uuid.UUID, user_id: uuid.UUID) -> CourseAccess:
    """Return which courses of the order its buyer can open now, in whatever way, whether it was
    paid or not. Two queries."""
    lines = order_selectors.list_order_lines(order_id=order_id)
    return _split(lines, user_id=user_id)


def find_access(*, order_id: uuid.UUID, user_id: uuid.UUID | None) -> CourseAccess:
    """Return which courses that the order opened, and still stands for, its buyer can open now, in
    whatever way; none without a buyer. Two queries."""
    opened = [
        line
        for line in order_selectors.list_order_lines(order_id=order_id)
        if line.state == "fulfilled" and line.enrollment_id is not None
    ]
    if user_id is None or not opened:
        return CourseAccess()
    return _split(opened, user_id=user_id)


def _split(lines: Sequence[OrderLine], *, user_id: uuid.UUID) -> CourseAccess:
    now = enrollment_selectors.enrolled_course_ids(
        user_id=user_id, course_ids=[line.course_id for line in lines]
    )
    return CourseAccess(
        open=[line.title for line in lines if line.course_id in now],
        closed=[line.title for line in lines if line.course_id not in now],
    )


def find_standings(*, order_id: uuid.UUID, user_id: uuid.UUID) -> dict[uuid.UUID, Standing]:
    """Return of each line of the order whether its money is back, else whether its buyer can open
    the course now, in whatever way. Two queries."""
    lines = order_selectors.list_order_lines(order_id=order_id)
    now = enrollment_selectors.enrolled_course_ids(
        user_id=user_id, course_ids=[line.course_id for line in lines]
    )
    return {
        line.id: Standing.REFUNDED
        if line.state == "refunded"
        else (Standing.OPEN if line.course_id in now else Standing.CLOSED)
        for line in lines
    }


def name_for(user: User) -> str:
    """Return what a mail may call the person: "" before they have shown that the address is
    theirs. Anybody can sign up with any address, under a name that is a message to its owner."""
    return user.first_name if user.email_verified_at else ""


def title_for(title: str, *, user: User) -> str | None:
    """Return a course's title for a mail to the person; None before the address is known to be
    theirs, for the same reason: the course may be the stranger's own."""
    return title if user.email_verified_at else None
