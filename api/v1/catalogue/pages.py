"""Composing: public rows from `courses`, the viewer's facts from the apps above it.

Each fact costs one query for a whole page, and none for an anonymous viewer.
"""

import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from cart import selectors as cart_selectors
from courses import selectors as course_selectors
from courses.errors import CourseNotFound
from courses.permissions import Viewer, may_see_course
from courses.selectors import CourseCard, CourseFacts
from enrollments import selectors as enrollment_selectors
from users.models import User


class CatalogueRow(CourseCard):
    """A course in a list, with what the viewer has with it (plan 4.3)."""

    enrolled: bool
    in_cart: bool
    in_wishlist: bool


def with_flags(cards: Sequence[CourseCard], *, viewer: Viewer) -> list[CatalogueRow]:
    """Return the cards with the viewer's flags. Three queries, none when nobody is signed in."""
    if not isinstance(viewer, User) or not cards:
        return [{**card, "enrolled": False, "in_cart": False, "in_wishlist": False}
                for card in cards]  # fmt: skip
    ids = [card["id"] for card in cards]
    enrolled = enrollment_selectors.enrolled_course_ids(user_id=viewer.id, course_ids=ids)
    in_cart = cart_selectors.in_cart_ids(user_id=viewer.id, course_ids=ids)
    in_wishlist = cart_selectors.in_wishlist_ids(user_id=viewer.id, course_ids=ids)
    return [
        {
            **card,
            "enrolled": card["id"] in enrolled,
            "in_cart": card["id"] in in_cart,
            "in_wishlist": card["id"] in in_wishlist,
        }
        for card in cards
    ]


def show_courses(rows: Iterable[dict[str, Any]], *, viewer: Viewer) -> list[CatalogueRow]:
    """Return rows of `courses.selectors.list_published` as the list shows them."""
    return with_flags(course_selectors.to_cards(rows), viewer=viewer)


def find_visible_course(*, reference: str, viewer: Viewer) -> CourseFacts:
    """Return the course with this id or slug. Raises CourseNotFound also when it isn't the
    viewer's to see."""
    course = course_selectors.find_course(reference=reference)
    if not may_see_course(
        course=course, viewer=viewer, is_enrolled=lambda: _owns(viewer, course.id)
    ):
        raise CourseNotFound
    return course


def _owns(viewer: Viewer, course_id: uuid.UUID) -> bool:
    return isinstance(viewer, User) and bool(
        enrollment_selectors.owned_course_ids(user_id=viewer.id, course_ids=[course_id])
    )
