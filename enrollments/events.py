"""What happens to enrolments and certificates."""

import dataclasses
from typing import ClassVar
from uuid import UUID

from core.events import Event


@dataclasses.dataclass(frozen=True, kw_only=True)
class Enrolled(Event):
    """Somebody got access to a course, for the first time or again.

    `source` is one of `Enrollment.Source`: purchase, free, staff.
    """

    name: ClassVar[str] = "enrollments.enrolled"
    enrollment_id: UUID
    user_id: UUID
    course_id: UUID
    source: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class EnrollmentRevoked(Event):
    """Somebody lost a course for good, e.g. by a refund; `reason` is for staff to read."""

    name: ClassVar[str] = "enrollments.revoked"
    enrollment_id: UUID
    user_id: UUID
    course_id: UUID
    reason: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class EnrollmentSuspended(Event):
    """Access rests, e.g. while a payment is disputed."""

    name: ClassVar[str] = "enrollments.suspended"
    enrollment_id: UUID
    user_id: UUID
    course_id: UUID


@dataclasses.dataclass(frozen=True, kw_only=True)
class EnrollmentResumed(Event):
    """A suspended enrolment is active again."""

    name: ClassVar[str] = "enrollments.resumed"
    enrollment_id: UUID
    user_id: UUID
    course_id: UUID


@dataclasses.dataclass(frozen=True, kw_only=True)
class CourseCompleted(Event):
    """Every live lesson is completed; once per enrolment. The certificate's file comes later."""

    name: ClassVar[str] = "enrollments.course_completed"
    enrollment_id: UUID
    user_id: UUID
    course_id: UUID


@dataclasses.dataclass(frozen=True, kw_only=True)
class CertificateIssued(Event):
    """The certificate's file can be downloaded; once per certificate."""

    name: ClassVar[str] = "enrollments.certificate_issued"
    certificate_id: UUID
    user_id: UUID
    course_id: UUID
