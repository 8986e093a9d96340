"""Fixtures of the learning side."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from core.models import OutboxEvent
from courses.models import Course, Lesson
from enrollments.models import Enrollment
from tests.factories import EnrollmentFactory, make_course


@pytest.fixture
def course(db: None) -> Course:
    """A published course of two sections with two lessons of ten minutes each."""
    return make_course(title="Rivers")


@pytest.fixture
def lessons(course: Course) -> list[Lesson]:
    """The course's lessons in order; the first one is a preview."""
    rows = Lesson.objects.filter(curriculum__course=course)
    return list(rows.order_by("curriculum__order", "order"))


@pytest.fixture
def enrollment(course: Course) -> Enrollment:
    """Somebody active in the course."""
    return EnrollmentFactory.create(course=course)


@pytest.fixture
def recorded(db: None) -> Callable[[str], list[dict[str, Any]]]:
    """The payloads of recorded events by name, oldest first."""

    def read(name: str) -> list[dict[str, Any]]:
        rows = OutboxEvent.objects.filter(name=name).order_by("id")
        return list(rows.values_list("payload", flat=True))

    return read


@pytest.fixture
def complete(db: None) -> Callable[[Enrollment], None]:
    """Completes every live lesson of an enrolment."""
    from courses.selectors import live_lesson_ids
    from enrollments.services import mark_lesson_complete

    def run(enrollment: Enrollment) -> None:
        lesson_id: UUID
        for lesson_id in live_lesson_ids(course_id=enrollment.course_id):
            mark_lesson_complete(
                user_id=enrollment.user_id, enrollment_id=enrollment.id, lesson_id=lesson_id
            )
        enrollment.refresh_from_db()

    return run
