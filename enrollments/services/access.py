"""Giving access to courses, and taking it away.

Locks are taken in one order, each kind in key order: enrolments, certificates, profiles (by their
counters), counters of courses.
"""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from core import audit, outbox
from core.errors import Invalid
from courses import selectors as course_selectors
from courses import services as course_services
from courses.errors import CourseNotFound
from enrollments import selectors
from enrollments.errors import AlreadyEnrolled, CourseNotFree, OwnCourse
from enrollments.events import (
    Enrolled,
    EnrollmentResumed,
    EnrollmentRevoked,
    EnrollmentSuspended,
)
from enrollments.models import Enrollment
from enrollments.services.certificates import reinstate_certificates, revoke_certificates
from enrollments.state import move_access

Status = Enrollment.Status


@dataclass(frozen=True, kw_only=True)
class BoughtEnrollment:
    """One bought course; `already_owned` means it was there before, so its money goes back."""

    course_id: UUID
    enrollment_id: UUID
    already_owned: bool


def enroll_free(*, user_id: UUID, course_id: UUID) -> Enrollment:
    """Enrol a person in a free course. A revoked enrolment comes back with its progress.

    Raises AlreadyEnrolled, CourseNotFound (unknown or not published), OwnCourse or CourseNotFree.
    """
    if selectors.owned_course_ids(user_id=user_id, course_ids=[course_id]):
        raise AlreadyEnrolled
    with transaction.atomic():
        # Shared locks: the price can't rise between this look and the enrolment.
        course = course_selectors.lock_courses_for_sale(course_ids=[course_id]).get(course_id)
        if course is None or not course.is_on_sale:
            raise CourseNotFound
        if course.instructor_id == user_id:
            raise OwnCourse
        if course.price > 0:
            raise CourseNotFree
        enrollment, admitted = _admit(
            user_id=user_id, course_ids=[course_id], source=Enrollment.Source.FREE
        )[0]
        if not admitted:
            raise AlreadyEnrolled
    return enrollment


def enroll_bought(*, user_id: UUID, course_ids: Collection[UUID]) -> list[BoughtEnrollment]:
    """Enrol a buyer in every course, in the caller's transaction; one row per course, key order.

    A course that is already theirs is left as it is and comes back as `already_owned`.
    """
    admissions = _admit(user_id=user_id, course_ids=course_ids, source=Enrollment.Source.PURCHASE)
    return [
        BoughtEnrollment(
            course_id=enrollment.course_id,
            enrollment_id=enrollment.id,
            already_owned=not admitted,
        )
        for enrollment, admitted in admissions
    ]


def grant_access(*, user_id: UUID, course_id: UUID, actor_id: UUID) -> Enrollment:
    """Give a person a course by decision of staff, whatever its price or state; audited.

    Raises AlreadyEnrolled.
    """
    with transaction.atomic():
        enrollment, admitted = _admit(
            user_id=user_id, course_ids=[course_id], source=Enrollment.Source.STAFF
        )[0]
        if not admitted:
            raise AlreadyEnrolled
        _audit(actor_id, "enrollment.granted", enrollment)
    return enrollment


def revoke_enrollments(
    *, enrollment_ids: Collection[UUID], reason: str, actor_id: UUID | None = None
) -> int:
    """Take courses away for good; returns how many were. Those already revoked stay as they are.

    The progress stays, for a later purchase. Certificates earned with them are no longer valid.
    """
    if not reason.strip():
        raise Invalid("A reason is needed to revoke access", reason=["This may not be blank."])
    with transaction.atomic():
        changed = _change_status(enrollment_ids, {Status.ACTIVE, Status.SUSPENDED}, Status.REVOKED)
        for enrollment in changed:
            outbox.record(EnrollmentRevoked(**_facts(enrollment), reason=reason))
            _audit(actor_id, "enrollment.revoked", enrollment, reason=reason)
    return len(changed)


def suspend_enrollments(*, enrollment_ids: Collection[UUID], actor_id: UUID | None = None) -> int:
    """Let access rest, e.g. during a dispute; returns how many were active until now."""
    with transaction.atomic():
        changed = _change_status(enrollment_ids, {Status.ACTIVE}, Status.SUSPENDED)
        for enrollment in changed:
            outbox.record(EnrollmentSuspended(**_facts(enrollment)))
            _audit(actor_id, "enrollment.suspended", enrollment)
    return len(changed)


def resume_enrollments(*, enrollment_ids: Collection[UUID], actor_id: UUID | None = None) -> int:
    """Open suspended enrolments again; returns how many were. Revoked ones stay revoked."""
    with transaction.atomic():
        changed = _change_status(enrollment_ids, {Status.SUSPENDED}, Status.ACTIVE)
        for enrollment in changed:
            outbox.record(EnrollmentResumed(**_facts(enrollment)))
            _audit(actor_id, "enrollment.resumed", enrollment)
    return len(changed)


def reopen_enrollments(*, enrollment_ids: Collection[UUID]) -> set[UUID]:
    """Open revoked enrolments again, as what took them away came to nothing (a refund that failed
    at the bank); returns which were. One that is being bought again at the moment is waited for and
    left to that purchase. Certificates earned with them are valid again."""
    with transaction.atomic():
        changed = _change_status(enrollment_ids, {Status.REVOKED}, Status.ACTIVE)
        for enrollment in changed:
            outbox.record(EnrollmentResumed(**_facts(enrollment)))
            _audit(None, "enrollment.reopened", enrollment)
    return {enrollment.id for enrollment in changed}


def lock_enrollments(*, enrollment_ids: Collection[UUID]) -> None:
    """Hold these enrolments, whatever their status, until the caller's transaction ends, in key
    order: nobody opens or ends one of them meanwhile, and who was at it has committed."""
    rows = Enrollment.objects.select_for_update(no_key=True).filter(id__in=enrollment_ids)
    list(rows.order_by("id").values_list("id"))


def _admit(
    *, user_id: UUID, course_ids: Collection[UUID], source: Enrollment.Source
) -> list[tuple[Enrollment, bool]]:
    """Return each enrolment, locked, and whether this call opened it."""
    with transaction.atomic():
        new_ids = _insert_missing(user_id=user_id, course_ids=course_ids, source=source)
        rows = list(
            Enrollment.objects.select_for_update(no_key=True)
            .filter(user_id=user_id, course_id__in=course_ids)
            .order_by("id")
        )
        revoked = [row for row in rows if row.status == Status.REVOKED]
        _reactivate(revoked, source)
        admitted = [row for row in rows if row.id in new_ids or row in revoked]
        _count_students(admitted, by=1)
        for row in admitted:
            outbox.record(Enrolled(**_facts(row), source=source.value))
    return [(row, row in admitted) for row in sorted(rows, key=lambda row: row.course_id)]


def _insert_missing(
    *, user_id: UUID, course_ids: Collection[UUID], source: Enrollment.Source
) -> set[UUID]:
    now = timezone.now()
    fresh = [
        Enrollment(user_id=user_id, course_id=course_id, source=source, enrolled_at=now)
        for course_id in sorted(set(course_ids))
    ]
    # On conflict do nothing: a parallel enrolment makes this wait for it, never a second row.
    Enrollment.objects.bulk_create(fresh, ignore_conflicts=True)
    new_ids = {row.id for row in fresh}
    made = Enrollment.objects.filter(id__in=new_ids)
    made.with_live_progress().update(total_lessons=F("live_lessons"))
    return new_ids


def _reactivate(revoked: list[Enrollment], source: Enrollment.Source) -> None:
    now = timezone.now()
    for row in revoked:
        move_access(row, Status.ACTIVE)
        row.source, row.enrolled_at = source, now
        row.save(update_fields=["status", "source", "enrolled_at", "updated_at"])
    reinstate_certificates(enrollments=revoked)


def _change_status(
    enrollment_ids: Collection[UUID], before: set[Status], after: Status
) -> list[Enrollment]:
    rows = list(
        Enrollment.objects.select_for_update(no_key=True)
        .filter(id__in=enrollment_ids, status__in=before)
        .order_by("id")
    )
    was_counted = [row for row in rows if row.status == Status.ACTIVE]
    was_revoked = [row for row in rows if row.status == Status.REVOKED]
    for row in rows:
        move_access(row, after)
        row.save(update_fields=["status", "updated_at"])
    if after == Status.REVOKED:
        revoke_certificates(enrollments=rows)
    if after == Status.ACTIVE:
        reinstate_certificates(enrollments=was_revoked)
        _count_students(rows, by=1)
    else:
        _count_students(was_counted, by=-1)
    return rows


def _count_students(enrollments: list[Enrollment], *, by: int) -> None:
    """Students of a course are its active enrolments; counters are locked in key order."""
    for course_id in sorted(row.course_id for row in enrollments):
        course_services.change_student_count(course_id=course_id, by=by)


def _facts(enrollment: Enrollment) -> dict[str, UUID]:
    return {
        "enrollment_id": enrollment.id,
        "user_id": enrollment.user_id,
        "course_id": enrollment.course_id,
    }


def _audit(actor_id: UUID | None, action: str, enrollment: Enrollment, **details: object) -> None:
    audit.record_audit(
        actor_id=actor_id,
        action=action,
        target_type="enrollment",
        target_id=enrollment.id,
        details=details,
    )
