"""Composing: public rows from `courses`, the viewer's facts from the apps above it."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from api.v1.catalogue.flags import NONE, find_flags
from courses.errors import CourseNotFound
from courses.permissions import Viewer, may_see_course
from courses.selectors import CourseFacts
from enrollments import selectors as enrollment_selectors
from users.models import User

Card = TypeVar("Card", bound=Mapping[str, Any])


def with_flags(cards: Sequence[Card], *, viewer: Viewer) -> list[dict[str, Any]]:
    """Return the cards with the viewer's flags. One query, none when nobody is signed in."""
    flags = NONE
    if isinstance(viewer, User) and cards:
        ids = [str(card["id"]) for card in cards]
        flags = find_flags(user_id=viewer.id, course_ids=ids)
    return [
        {
            **card,
            "enrolled": (key := str(card["id"])) in flags.enrolled,
            "in_cart": key in flags.in_cart,
            "in_wishlist": key in flags.in_wishlist,
        }
        for card in cards
    ]


def require_visible(*, course: CourseFacts, viewer: Viewer) -> None:
    """Raise CourseNotFound unless the course is the viewer's to see. Two queries at most, and none
    for a published course."""
    if not may_see_course(course=course, viewer=viewer, is_theirs=lambda: _is_of(viewer, course)):
        raise CourseNotFound


def _is_of(viewer: Viewer, course: CourseFacts) -> bool:
    return isinstance(viewer, User) and enrollment_selectors.owns_or_pays_for(
        user_id=viewer.id, course_id=course.id
    )
