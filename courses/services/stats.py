"""The counters beside a course: adjusted by the owners of the facts, in their transactions."""

import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import F, Value
from django.db.models.functions import Greatest, Least

from courses.models import CourseStats

_ADD_STUDENTS: Final = """
    UPDATE courses_coursestats stats SET student_count = greatest(stats.student_count + new.by, 0)
    FROM unnest(%s::uuid[], %s::integer[]) AS new (course_id, by)
    WHERE stats.course_id = new.course_id
"""


@dataclass(frozen=True, kw_only=True)
class RatingFact:
    """A review as the counters see it: 1 to 5 stars, and whether there is a text."""

    stars: int
    has_text: bool


def change_student_counts(*, changes: Mapping[uuid.UUID, int]) -> None:
    """Add so many (below zero: take them away) to the students of each course, by two statements;
    the counters are locked in key order.

    None falls below zero: a drifted counter, repaired at night, must not stop a refund.
    """
    ids = sorted(course_id for course_id, by in changes.items() if by)
    locked = CourseStats.objects.select_for_update(no_key=True).filter(course_id__in=ids)
    there = set(locked.order_by("course_id").values_list("course_id", flat=True))
    if there:
        _add_students({course_id: changes[course_id] for course_id in ids if course_id in there})
    for course_id in ids:
        if course_id not in there:
            _adjust(course_id, {"student_count": _shift("student_count", changes[course_id])})


def _add_students(changes: Mapping[uuid.UUID, int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_ADD_STUDENTS, [[*changes.keys()], [*changes.values()]])


def change_rating(
    *, course_id: uuid.UUID, removed: RatingFact | None, added: RatingFact | None
) -> None:
    """Take one rating out of the course's sums and put another in, either of them None.

    The caller holds the lock on the review that changes, so that `removed` is what was counted.
    Never fails over drifted counters: the sums follow from the stars, and those don't fall below
    zero.
    """
    deltas: Counter[int] = Counter()
    texts = 0
    for fact, sign in ((removed, -1), (added, 1)):
        if fact is not None:
            deltas[fact.stars] += sign
            texts += sign * fact.has_text
    stars = {number: _shift(f"rating_{number}", deltas[number]) for number in CourseStats.STARS}
    count = reduce(add, stars.values())
    changes = {
        "rating_count": count,
        "rating_sum": reduce(add, (stars[number] * number for number in stars)),
        "review_count": Least(_shift("review_count", texts), count),
        **{f"rating_{number}": value for number, value in stars.items()},
    }
    _adjust(course_id, changes)


def _shift(field: str, delta: int) -> Greatest:
    return Greatest(F(field) + delta, Value(0))


def _adjust(course_id: uuid.UUID, changes: dict[str, Any]) -> None:
    """Update the counters in one statement; a course that has none yet gets them first."""
    stats = CourseStats.objects.filter(course_id=course_id)
    if not stats.update(**changes):
        with transaction.atomic():
            CourseStats.objects.bulk_create(
                [CourseStats(course_id=course_id)], ignore_conflicts=True
            )
            stats.update(**changes)
