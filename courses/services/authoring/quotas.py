"""How much one instructor may keep here, and ask for in a day. Staff have no quotas for courses."""

import uuid

from django.conf import settings
from django.db import connection
from django.db.models import Count, Q

from core.attempts import limit
from core.errors import TooMany
from core.reads import fetch_rows
from courses.authors import Author
from courses.errors import QuotaExceeded
from courses.models import Course
from users.rights import Right

_UNPUBLISHED = (Course.Status.DRAFT, Course.Status.IN_REVIEW)
# Copies of a lesson share its files: each counts once.
_FILES = """
    SELECT coalesce(sum(size), 0) FROM (
        SELECT DISTINCT file->>'id', (file->>'size_bytes')::bigint AS size
        FROM courses_course AS course
        JOIN courses_curriculum AS section ON section.course_id = course.id
        JOIN courses_lesson AS lesson ON lesson.curriculum_id = section.id
        CROSS JOIN LATERAL jsonb_array_elements(lesson.resources) AS file
        WHERE course.instructor_id = %(instructor)s AND lesson.resources @? '$[*].id'
            AND file ? 'id'
    ) AS kept
"""


def require_room_for_course(*, author: Author, instructor_id: uuid.UUID) -> None:
    """Raise QuotaExceeded when the instructor has all the courses, or drafts, that one may have. In
    the transaction of the course's insertion, to whose end others of the same instructor wait."""
    if not author.teaches(instructor_id) or Right.ADD_COURSES in author.rights:
        return
    _lock(instructor_id)
    found = Course.objects.filter(instructor_id=instructor_id).aggregate(
        courses=Count("id"), drafts=Count("id", filter=Q(status__in=_UNPUBLISHED))
    )
    _require("drafts", used=found["drafts"], limit=settings.INSTRUCTOR_MAX_DRAFTS)
    _require("courses", used=found["courses"], limit=settings.INSTRUCTOR_MAX_COURSES)


def require_room_for_file(*, instructor_id: uuid.UUID, size: int) -> None:
    """Raise QuotaExceeded when the instructor's lesson files would take more than one may keep. In
    a transaction, to whose end others of the same instructor wait."""
    _lock(instructor_id)
    ((used,),) = fetch_rows(_FILES, {"instructor": instructor_id})
    bound = settings.INSTRUCTOR_FILES_MAX_BYTES
    _require("lesson_file_bytes", used=int(used), limit=bound, more=size)


def count_import(*, author: Author) -> None:
    """Count a course file, or a copy, against what the author may ask for in a day. Raises TooMany
    beyond it."""
    _count(author, scope="import", quota="imports_and_copies")


def count_upload(*, author: Author) -> None:
    """Count a file or picture against what the author may send in a day. Raises TooMany."""
    _count(author, scope="upload", quota="uploads")


def _count(author: Author, *, scope: str, quota: str) -> None:
    bound = limit(scope=scope, subject=str(author.id))
    if bound is None:
        return
    try:
        bound.count()
    except TooMany as exc:
        raise TooMany(
            "That is all for now",
            retry_after=exc.retry_after,
            quota=quota,
            limit=bound.times,
            left=0,
            period_seconds=bound.period,
        ) from None


def _require(quota: str, *, used: int, limit: int, more: int = 1) -> None:
    if used + more > limit:
        raise QuotaExceeded(
            None, quota=quota, limit=limit, used=used, left=max(0, limit - used), asked=more
        )


def _lock(instructor_id: uuid.UUID) -> None:
    """Let those of one instructor who take more of a quota come one by one. Taken after the lock of
    a course, before all others."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
            [f"courses.quotas:{instructor_id}"],
        )
