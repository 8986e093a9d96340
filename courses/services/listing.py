"""The copies that lists filter and order by, compared with the courses themselves."""

import logging

from django.db import connection, transaction

from courses.models import CourseStats
from courses.services.changed import touch_catalogue
from courses.services.recount import StatsDrift

logger = logging.getLogger(__name__)

_COPIES = ", ".join(f"stats.{name}" for name in CourseStats.LISTED)
_ORIGINALS = ", ".join(
    f"course.{'is_published' if name == 'is_listed' else name}" for name in CourseStats.LISTED
)
# Locked in key order, as whoever changes the counters of several courses does.
_LISTED_OTHERWISE = f"""
    SELECT stats.course_id, {_COPIES}, {_ORIGINALS}
    FROM courses_coursestats AS stats JOIN courses_course AS course ON course.id = stats.course_id
    WHERE ({_COPIES}) IS DISTINCT FROM ({_ORIGINALS})
    ORDER BY stats.course_id FOR UPDATE OF stats
"""  # noqa: S608


def sync_listing() -> list[StatsDrift]:
    """Bring `CourseStats.LISTED` of every course into step with the course, and return what wasn't.

    Triggers of the database keep it (migration `0004_listing`), so only rows that were written past
    them can differ. Readers see the repair as they see an edit.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_LISTED_OTHERWISE)
        rows = cursor.fetchall()
        if rows:
            cursor.execute("SELECT courses_sync_listing()")
            touch_catalogue()
    drift = [
        StatsDrift(course_id=course_id, field=field, stored=copy, counted=original)
        for course_id, *values in rows
        for field, copy, original in zip(
            CourseStats.LISTED,
            values[: len(CourseStats.LISTED)],
            values[len(CourseStats.LISTED) :],
            strict=True,
        )
        if copy != original
    ]
    for row in drift:
        logger.warning(
            "course %s: listed with %s %s, is %s",
            row.course_id, row.field, row.stored, row.counted,
        )  # fmt: skip
    return drift
