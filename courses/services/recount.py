"""The recount: the counters beside the courses, counted anew from the facts.

The facts lie on floors above (enrolments, reviews), so their owners register how to count them.
"""

import logging
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Sum

from courses.models import Category, Course, CourseStats

logger = logging.getLogger(__name__)

FactCounter = Callable[[Collection[uuid.UUID]], Mapping[uuid.UUID, Mapping[str, int]]]

# Courses whose counters are locked, and whose facts are counted, at a time.
BATCH = 200
# Courses whose windows are counted at a time: each time goes through all that is in the window.
WINDOW_BATCH = 10_000
# Parts of the courses whose facts are gone through, one a night: twice as many, and so on, where a
# part would have more facts than this.
PARTS = 7
FACTS_A_NIGHT = 100_000


@dataclass(frozen=True, kw_only=True)
class Counter:
    """Where some fields of `CourseStats` come from. A window's value moves with the calendar."""

    fields: tuple[str, ...]
    count: FactCounter
    is_window: bool


_counters: dict[str, Counter] = {}


@dataclass(frozen=True, kw_only=True)
class StatsDrift:
    """A field of `CourseStats` that said `stored` while the facts said `counted`: numbers, unless
    it is a copy of the course's (`CourseStats.LISTED`)."""

    course_id: uuid.UUID
    field: str
    stored: object
    counted: object


def register_counter(
    *, name: str, fields: Collection[str], count: FactCounter, is_window: bool = False
) -> None:
    """Make `count` the source of these fields of `CourseStats`, under a name of its own.

    `count` gets course ids and returns the fields' values by course, in a fixed number of queries;
    a course or field that it leaves out counts as zero. With `is_window` the facts are those of the
    last days, nobody but the recount keeps the fields, each recount counts them of every course,
    and a change is no drift.
    """
    _counters[name] = Counter(fields=tuple(sorted(fields)), count=count, is_window=is_window)


def recount_stats(*, part: int | None = None) -> list[StatsDrift]:
    """Count courses' counters anew, repair what differs, and return it.

    With a `part`, any number, only the courses of that part (of `count_parts()`, the next number
    has the next, and each course is in one) are gone through for all that ever happened to them;
    windows are counted of every course.

    Safe while sales and reviews go on: each batch's counters are locked before their facts are
    counted, so a fact is either committed and counted, or its owner's change waits and follows.
    """
    parts = count_parts()
    drift: list[StatsDrift] = []
    for ids in _read_course_ids():
        windows = [
            (counter.fields, counter.count(ids))
            for counter in _counters.values()
            if counter.is_window
        ]
        for start in range(0, len(ids), BATCH):
            batch = ids[start : start + BATCH]
            whole = {id_ for id_ in batch if part is None or id_.int % parts == part % parts}
            drift += _recount_batch(batch, whole=whole, windows=windows)
    for row in drift:
        logger.warning(
            "course %s: %s was %s, is %s", row.course_id, row.field, row.stored, row.counted
        )
    return drift


def count_parts() -> int:
    """Return into how many parts the courses are cut, so that a night's work has a bound however
    long the history: `PARTS`, doubled until a part has `FACTS_A_NIGHT` enrolments and ratings or
    fewer, by what the counters say. Doubling lets each part fall into two: a course's turn moves
    once in as long as it takes all of history to come once more."""
    counted = CourseStats.objects.aggregate(
        students=Sum("student_count", default=0), ratings=Sum("rating_count", default=0)
    )
    parts = PARTS
    while sum(counted.values()) > parts * FACTS_A_NIGHT:
        parts *= 2
    return parts


def recount_categories(*, category_ids: Collection[uuid.UUID] | None = None) -> None:
    """Set `course_count` of the categories (None: of all) to their published courses.

    Locks them in key order before counting, so that of two that come at once the second counts
    what the first did.
    """
    with transaction.atomic():
        categories = Category.objects.select_for_update(no_key=True).order_by("id")
        if category_ids is not None:
            categories = categories.filter(id__in=category_ids)
        for category in list(categories):
            count = Course.objects.filter(category=category, is_published=True).count()
            if count != category.course_count:
                Category.objects.filter(id=category.id).update(course_count=count)


def _read_course_ids() -> Iterator[list[uuid.UUID]]:
    courses = Course.objects.order_by("id").values_list("id", flat=True)
    ids = list(courses[:WINDOW_BATCH])
    while ids:
        yield ids
        ids = list(courses.filter(id__gt=ids[-1])[:WINDOW_BATCH])


def _recount_batch(
    ids: list[uuid.UUID],
    *,
    whole: Collection[uuid.UUID],
    windows: Collection[tuple[tuple[str, ...], Mapping[uuid.UUID, Mapping[str, int]]]],
) -> list[StatsDrift]:
    """Write down the windows of all `ids`, which nobody else does, and count the other counters of
    those that are `whole`."""
    with transaction.atomic():
        CourseStats.objects.bulk_create(
            [CourseStats(course_id=course_id) for course_id in ids], ignore_conflicts=True
        )
        rows = CourseStats.objects.select_for_update().filter(course_id__in=ids)
        stats = list(rows.order_by("course_id"))
        for fields, counted in windows:
            _repair(stats, fields, counted)
        chosen = [row for row in stats if row.course_id in whole]
        drift: list[StatsDrift] = []
        for counter in _counters.values():
            if chosen and not counter.is_window:
                drift += _repair(chosen, counter.fields, counter.count(whole))
    return drift


def _repair(
    stats: list[CourseStats],
    fields: tuple[str, ...],
    counted: Mapping[uuid.UUID, Mapping[str, int]],
) -> list[StatsDrift]:
    """Set the fields to what was counted; returns what differed."""
    found: list[StatsDrift] = []
    for row in stats:
        facts = counted.get(row.course_id, {})
        drift = [
            StatsDrift(
                course_id=row.course_id,
                field=field,
                stored=getattr(row, field),
                counted=facts.get(field, 0),
            )
            for field in fields
            if getattr(row, field) != facts.get(field, 0)
        ]
        if drift:
            CourseStats.objects.filter(course_id=row.course_id).update(
                **{item.field: item.counted for item in drift}
            )
        found += drift
    return found
