"""Who may write a course (contract "Catalogue": instructors their own, staff all)."""

import uuid
from dataclasses import dataclass

from courses.errors import CourseNotFound, InstructorRequired, NotCourseInstructor


@dataclass(frozen=True, kw_only=True)
class Author:
    """Who writes, as signed in."""

    id: uuid.UUID
    is_instructor: bool
    is_staff: bool


def require_author(*, author: Author) -> None:
    """Raise InstructorRequired for those who write no courses at all."""
    if not (author.is_instructor or author.is_staff):
        raise InstructorRequired


def require_in_charge(*, author: Author, instructor_id: uuid.UUID, is_published: bool) -> None:
    """Raise for an author who may not write this course: NotCourseInstructor for another's that
    everybody can see, CourseNotFound for one that isn't public."""
    if author.is_staff or author.id == instructor_id:
        return
    raise NotCourseInstructor if is_published else CourseNotFound
