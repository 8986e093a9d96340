"""Searching the catalogue (contract: full-text with ranking and tolerance for typing errors)."""

import uuid
from collections.abc import Sequence

from core.reads import fetch_prepared
from courses.models import Course
from courses.search.engine import Conditions, CoursesFound, Highlight, get_engine
from courses.selectors.pages import CardShown, card_parameters, to_shown
from courses.sql import cards

ALL: Conditions = {}


def find_courses(
    *, text: str, conditions: Conditions = ALL, limit: int, offset: int = 0
) -> CoursesFound:
    """Return how many published courses match, and the ids of one page, the best first."""
    return get_engine().search(query=text, conditions=conditions, limit=limit, offset=offset)


def list_found(*, found: CoursesFound) -> list[CardShown]:
    """Return the cards of a page that was found, in its order; those that are gone since are
    missing. One query, none for a page without courses."""
    if not found.ids:
        return []
    rows = fetch_prepared(
        cards.CARDS, {**card_parameters(), "ids": [str(course_id) for course_id in found.ids]}
    )
    return [to_shown(row) for row in rows]


def highlight_courses(
    *, found: CoursesFound, course_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, Highlight]:
    """Return where those of the courses found match, as escaped HTML with `<mark>`."""
    return get_engine().highlight(marking=found.marking, ids=course_ids)


def list_taught_ids(*, instructor_id: uuid.UUID) -> list[uuid.UUID]:
    """Return the ids of the person's published courses, which search finds by their name."""
    taught = Course.objects.filter(instructor_id=instructor_id, status=Course.Status.PUBLISHED)
    return list(taught.order_by("id").values_list("id", flat=True))
