"""The counters beside a course: adjusted by the owners of the facts, in their transactions."""

import uuid
from collections import Counter
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Greatest, Least

from courses.models import CourseStats


@dataclass(frozen=True, kw_only=True)
class RatingFact:
    """A review as the counters see it: 1 to 5 stars, and whether there is a text."""

    stars: int
    has_text: bool


def change_student_count(*, course_id: uuid.UUID, by: int) -> None:
    """Add `by` (negative to take away) to the course's students.

    Never falls below zero: a drifted counter, repaired at night, must not stop a refund.
    """
    _adjust(course_id, {"student_count": _shift("student_count", by)})


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
