"""The counters beside a course: adjusted by the owners of the facts, in their transactions."""

import uuid
from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Greatest

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
    _adjust(course_id, {"student_count": Greatest(F("student_count") + by, Value(0))})


def change_rating(
    *, course_id: uuid.UUID, removed: RatingFact | None, added: RatingFact | None
) -> None:
    """Take one rating out of the course's sums and put another in, either of them None.

    The caller holds the lock on the review that changes, so that `removed` is what was counted.
    """
    deltas: Counter[str] = Counter()
    for fact, sign in ((removed, -1), (added, 1)):
        if fact is not None:
            deltas["rating_count"] += sign
            deltas["rating_sum"] += sign * fact.stars
            deltas["review_count"] += sign * fact.has_text
            deltas[f"rating_{fact.stars}"] += sign
    changes = {field: F(field) + delta for field, delta in deltas.items() if delta}
    if changes:
        _adjust(course_id, changes)


def _adjust(course_id: uuid.UUID, changes: dict[str, Any]) -> None:
    """Update the counters in one statement; a course that has none yet gets them first."""
    stats = CourseStats.objects.filter(course_id=course_id)
    if not stats.update(**changes):
        with transaction.atomic():
            CourseStats.objects.bulk_create(
                [CourseStats(course_id=course_id)], ignore_conflicts=True
            )
            stats.update(**changes)
