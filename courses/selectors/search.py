"""Searching the catalogue (contract: full-text with ranking and tolerance for typing errors)."""

import uuid
from collections.abc import Sequence
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import F, Func, IntegerField, QuerySet, UUIDField, Value
from django.db.models.expressions import RawSQL

from core.reads import fetch_prepared
from courses.models import Course
from courses.search.engine import Conditions, CoursesFound, Highlight, get_engine
from courses.selectors.pages import CardShown, card_parameters, to_shown
from courses.sql import cards

ALL: Conditions = {}
# So many come in the engine's order when a queryset is searched; the rest by popularity.
_RANKED = 200


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


def match_courses(courses: QuerySet[Course, Any], *, text: str) -> QuerySet[Course, Any]:
    """Return those of the courses that match, the best first, for lists with filters and orderings
    of their own."""
    found = find_courses(text=text, limit=_RANKED)
    if not found.count:
        return courses.none()
    place = Func(
        Value(list(found.ids), ArrayField(UUIDField())),
        F("id"),
        function="array_position",
        output_field=IntegerField(),
    )
    matching = RawSQL(
        "SELECT course_id FROM courses_searchentry WHERE document @@ %s::tsquery", [found.marking]
    )
    return courses.filter(id__in=matching).order_by(
        place.asc(nulls_last=True), "-search_entry__popularity", "-id"
    )


def list_taught_ids(*, instructor_id: uuid.UUID) -> list[uuid.UUID]:
    """Return the ids of the person's published courses, which search finds by their name."""
    taught = Course.objects.filter(instructor_id=instructor_id, status=Course.Status.PUBLISHED)
    return list(taught.order_by("id").values_list("id", flat=True))
