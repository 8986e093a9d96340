"""Who may write a course (contract "Catalogue"): instructors their own, staff by their rights."""

import uuid
from dataclasses import dataclass

from courses.errors import CourseNotFound, InstructorRequired, NotCourseInstructor, RightRequired
from users.models import User
from users.rights import Right, held_rights, may_read_drafts


@dataclass(frozen=True, kw_only=True)
class Author:
    """Who writes, as signed in. `reads_all`: staff, who read every course; what they write in
    courses that aren't their own, they write by their `rights`."""

    id: uuid.UUID
    is_instructor: bool
    reads_all: bool = False
    rights: frozenset[Right] = frozenset()

    def teaches(self, instructor_id: uuid.UUID) -> bool:
        """Whether a course of this instructor is the author's own."""
        return self.is_instructor and self.id == instructor_id


def author_from(user: User) -> Author:
    """Return the person as an author."""
    return Author(
        id=user.id,
        is_instructor=user.is_instructor,
        reads_all=may_read_drafts(user),
        rights=held_rights(user),
    )


def require_author(*, author: Author) -> None:
    """Raise InstructorRequired for those who write no courses at all."""
    if not (author.is_instructor or author.reads_all):
        raise InstructorRequired


def require_may_create(*, author: Author, right: Right) -> None:
    """Raise InstructorRequired or RightRequired unless the author may have courses of their own:
    instructors, and staff with the right."""
    require_author(author=author)
    if not (author.is_instructor or right in author.rights):
        raise RightRequired


def require_in_charge(*, author: Author, instructor_id: uuid.UUID, is_published: bool) -> None:
    """Raise for an author who may not see this course as its author does: NotCourseInstructor for
    another's that everybody can see, CourseNotFound for one that isn't public."""
    if author.reads_all or author.teaches(instructor_id):
        return
    raise NotCourseInstructor if is_published else CourseNotFound


def require_may_write(
    *, author: Author, right: Right, instructor_id: uuid.UUID, is_published: bool
) -> None:
    """Raise as `require_in_charge`, and RightRequired for staff without the right, unless the
    course is the author's own."""
    if author.teaches(instructor_id) or right in author.rights:
        return
    require_in_charge(author=author, instructor_id=instructor_id, is_published=is_published)
    raise RightRequired
