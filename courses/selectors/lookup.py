"""Finding one course by what a path names: its id or its slug."""

import uuid
from dataclasses import dataclass

from core.ids import parse_id
from courses.errors import CourseNotFound
from courses.models import Course

_LONGEST_SLUG = 255


@dataclass(frozen=True, kw_only=True)
class CourseFacts:
    """What decides who may see a course and what they may do with it."""

    id: uuid.UUID
    title: str
    category_id: uuid.UUID | None
    instructor_id: uuid.UUID
    status: str
    is_published: bool


def find_course(*, reference: str) -> CourseFacts:
    """Return the course with this id or slug, published or not. Raises CourseNotFound.

    Whether somebody may see it is `courses.permissions.may_see_course`'s to say.
    """
    row = (
        Course.objects.filter(**reference_filter(reference))
        .values("id", "title", "category_id", "instructor_id", "status", "is_published")
        .first()
    )
    if row is None:
        raise CourseNotFound
    return CourseFacts(**row)


def reference_filter(reference: str) -> dict[str, object]:
    """Return the lookup for an id or a slug. Raises CourseNotFound for what can't be either."""
    if course_id := parse_id(reference):
        return {"id": course_id}
    if len(reference) > _LONGEST_SLUG or "\x00" in reference:
        raise CourseNotFound
    return {"slug": reference}
