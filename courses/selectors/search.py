"""Searching the catalogue (contract: full-text with ranking and tolerance for typing errors)."""

import uuid
from collections.abc import Sequence
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import F, Func, IntegerField, QuerySet, UUIDField, Value
from django.db.models.expressions import RawSQL

from courses.models import Course
from courses.search.engine import CourseFilters, CoursesFound, Highlight, get_engine

ANY_COURSE = CourseFilters()
# So many come in the engine's order when a queryset is searched; the rest by popularity.
_RANKED = 200


def find_courses(
    *, text: str, filters: CourseFilters = ANY_COURSE, limit: int, offset: int = 0
) -> CoursesFound:
    """Return how many published courses match, and the ids of one page, the best first."""
    return get_engine().search(query=text, filters=filters, limit=limit, offset=offset)


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
