"""Who may see a course (contract "Catalogue")."""

from collections.abc import Callable

from django.contrib.auth.models import AnonymousUser

from courses.selectors import CourseFacts
from users.models import User
from users.rights import may_open_lessons

Viewer = User | AnonymousUser


def is_in_charge(*, course: CourseFacts, viewer: Viewer) -> bool:
    """Whether the viewer teaches the course or is staff: to them every lesson is open."""
    if not isinstance(viewer, User):
        return False
    return may_open_lessons(viewer) or viewer.id == course.instructor_id


def may_see_course(*, course: CourseFacts, viewer: Viewer, is_theirs: Callable[[], bool]) -> bool:
    """Whether the course exists for the viewer: published, in their charge, or theirs: to learn, or
    to be once the money that they paid for it has come.

    `is_theirs` is asked last, and not at all for a published course.
    """
    if course.is_published or is_in_charge(course=course, viewer=viewer):
        return True
    return isinstance(viewer, User) and is_theirs()
