"""How much one course may hold, so that it can be answered, copied and exported in one piece.

What is larger from before stays, and may be made smaller; only what makes it larger is refused.
"""

import uuid
from typing import Any

import orjson
from django.conf import settings

from core.reads import fetch_rows
from courses.errors import CourseTooLarge, CurriculumFull
from courses.selectors.curriculum import count_live_lessons

_SIZE = """
    SELECT coalesce((
        SELECT sum(octet_length(section.title) + octet_length(section.description))
        FROM courses_curriculum AS section WHERE section.course_id = %(course)s
    ), 0) + coalesce((
        SELECT sum(octet_length(lesson.title) + octet_length(lesson.description)
            + octet_length(lesson.video_url) + octet_length(lesson.resources::text))
        FROM courses_lesson AS lesson
        JOIN courses_curriculum AS section ON section.id = lesson.curriculum_id
        WHERE section.course_id = %(course)s AND lesson.removed_at IS NULL
    ), 0)
"""
_WEIGHED = ("title", "description", "video_url")


def require_room_for_lessons(*, course_id: uuid.UUID, more: int = 1) -> None:
    """Raise CurriculumFull when the course has more lessons than it may have, or would with so many
    more."""
    if count_live_lessons(course_id=course_id) + more > settings.COURSE_MAX_LESSONS:
        raise CurriculumFull(None, limit=settings.COURSE_MAX_LESSONS, of="lessons of the course")


def require_size(*, course_id: uuid.UUID) -> None:
    """Raise CourseTooLarge when sections and lessons, as they are written by now, hold more than
    `COURSE_MAX_BYTES` altogether. One query; the caller's transaction holds the course's lock."""
    ((size,),) = fetch_rows(_SIZE, {"course": course_id})
    if size > settings.COURSE_MAX_BYTES:
        raise CourseTooLarge(None, limit_bytes=settings.COURSE_MAX_BYTES, size_bytes=int(size))


def weigh(row: Any) -> int:
    """Return the bytes of a section's or lesson's texts."""
    texts = sum(len(getattr(row, name, "").encode()) for name in _WEIGHED)
    return texts + len(orjson.dumps(getattr(row, "resources", "")))
