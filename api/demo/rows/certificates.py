"""Writes the certificates of completed courses; a worker makes their files."""

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal

from api.demo.rows.inserting import insert_dated
from enrollments.models import Certificate, Enrollment
from enrollments.serials import new_serial
from users.models import User


def create_certificates(
    *, enrollments: Iterable[Enrollment], first: User, now: dt.datetime
) -> None:
    """Create a certificate for each completed enrolment, issued on its last day.

    They count as made before, so that nobody is mailed about their files; the files of `first`
    come first, as somebody may look at them soon.
    """
    soon = now - dt.timedelta(hours=1)
    certificates = [
        _certificate(
            enrollment,
            issued_at=enrollment.completed_at,
            due_at=soon if enrollment.user == first else now,
        )
        for enrollment in enrollments
        if enrollment.completed_at is not None
    ]
    insert_dated(Certificate, certificates)


def _certificate(
    enrollment: Enrollment, *, issued_at: dt.datetime, due_at: dt.datetime
) -> Certificate:
    course, user = enrollment.course, enrollment.user
    return Certificate(
        enrollment=enrollment,
        user=user,
        course=course,
        serial=new_serial(),
        student_name=user.full_name,
        course_title=course.title,
        instructor_name=course.instructor.full_name,
        hours=round(Decimal(course.duration_minutes) / 60, 2),
        issued_at=issued_at,
        rendered_at=issued_at,
        next_attempt_at=due_at,
        created_at=issued_at,
        updated_at=issued_at,
    )
