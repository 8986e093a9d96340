"""Giving access to courses. What takes it away again is in `holds`.

Locks are taken in one order, each kind in key order: enrolments, certificates, profiles (by their
counters), counters of courses.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from core import outbox
from core.bulk import insert_missing
from courses import selectors as course_selectors
from courses import services as course_services
from courses.errors import CourseNotFound
from enrollments import selectors
from enrollments.buying import require_not_being_paid
from enrollments.errors import AccessWithdrawn, AlreadyEnrolled, CourseNotFree, OwnCourse
from enrollments.events import Enrolled
from enrollments.models import Enrollment
from enrollments.services.certificates import reinstate_certificates
from enrollments.services.holds import (
    audit_enrollment,
    count_students,
    end_holds,
    find_held_by_staff,
    lock_enrollments,
    name_facts,
)
from enrollments.state import move_access

Status = Enrollment.Status

# A person and a course.
_Place = tuple[UUID, UUID]


@dataclass(frozen=True, kw_only=True)
class Purchase:
    """Courses that somebody bought together; `free_ids` are those of them that cost nothing."""

    user_id: UUID
    course_ids: Collection[UUID]
    free_ids: Collection[UUID] = ()


@dataclass(frozen=True, kw_only=True)
class BoughtEnrollment:
    """One bought course; `opened` by this purchase, or its money goes back: it was theirs before,
    or costs nothing and staff took it away."""

    course_id: UUID
    enrollment_id: UUID
    opened: bool


def enroll_free(*, user_id: UUID, course_id: UUID) -> Enrollment:
    """Enrol a person in a free course. A revoked enrolment comes back with its progress, and what
    had revoked it is over, as with every enrolment that is bought, taken or granted anew; unless
    staff did, whose decision nobody ends by taking the course again.

    Raises AlreadyEnrolled, PaymentInProgress (they are paying for it, or are since it had a price),
    CourseNotFound (unknown or not published), OwnCourse, CourseNotFree or AccessWithdrawn.
    """
    if selectors.owned_course_ids(user_id=user_id, course_ids=[course_id]):
        raise AlreadyEnrolled
    with transaction.atomic():
        # Shared locks: the price can't rise between this look and the enrolment.
        course = course_selectors.lock_courses_for_sale(course_ids=[course_id]).get(course_id)
        require_not_being_paid(user_id=user_id, course_id=course_id)
        if course is None or not course.is_on_sale:
            raise CourseNotFound
        if course.instructor_id == user_id:
            raise OwnCourse
        if course.price > 0:
            raise CourseNotFree
        place = (user_id, course_id)
        admissions = _admit([place], source=Enrollment.Source.FREE, free={place})
        enrollment, admitted = admissions[place]
        if not admitted:
            raise AccessWithdrawn if enrollment.status == Status.REVOKED else AlreadyEnrolled
    return enrollment


def enroll_bought(*, purchases: Sequence[Purchase]) -> list[list[BoughtEnrollment]]:
    """Enrol each purchase's buyer in all of its courses, in the caller's transaction and by as many
    statements as for one; of each purchase a row per course, in key order. Of what it opened the
    caller has the students counted (`count_bought`), as one of its last acts.

    A course that is already theirs is left as it is and comes back as not `opened`; of two
    purchases that hold the same course for the same buyer, the second finds it so. So is one that
    costs nothing and that staff took away, since it was ordered.
    """
    wanted = [(one.user_id, course_id) for one in purchases for course_id in one.course_ids]
    free = {(one.user_id, course_id) for one in purchases for course_id in one.free_ids}
    admissions = _admit(wanted, source=Enrollment.Source.PURCHASE, free=free)
    taken: set[_Place] = set()
    bought = []
    for one in purchases:
        places = [(one.user_id, course_id) for course_id in sorted(set(one.course_ids))]
        bought.append([_to_bought(*admissions[place], place not in taken) for place in places])
        taken.update(places)
    return bought


def count_bought(*, course_ids: Sequence[UUID]) -> None:
    """Count a student more for each of these courses, which `enroll_bought` opened in the same
    transaction: a course as often as it was. Others who sell these courses wait for the counters
    until the transaction ends, so there should be little left to do in it."""
    course_services.change_student_counts(changes=Counter(course_ids))


def _to_bought(enrollment: Enrollment, admitted: bool, is_first: bool) -> BoughtEnrollment:
    return BoughtEnrollment(
        course_id=enrollment.course_id,
        enrollment_id=enrollment.id,
        opened=admitted and is_first,
    )


def grant_access(*, user_id: UUID, course_id: UUID, actor_id: UUID) -> Enrollment:
    """Give a person a course by decision of staff, whatever its price or state; audited. No dispute
    and no refund of what they bought of it before takes it away again.

    Raises AlreadyEnrolled.
    """
    with transaction.atomic():
        place = (user_id, course_id)
        admissions = _admit([place], source=Enrollment.Source.STAFF, actor_id=actor_id)
        enrollment, admitted = admissions[place]
        if not admitted:
            raise AlreadyEnrolled
        audit_enrollment(actor_id=actor_id, action="enrollment.granted", enrollment=enrollment)
    return enrollment


def _admit(
    wanted: Collection[_Place],
    *,
    source: Enrollment.Source,
    free: Collection[_Place] = frozenset(),
    actor_id: UUID | None = None,
) -> dict[_Place, tuple[Enrollment, bool]]:
    """Return each enrolment, locked, and whether this call opened it: not what was open or
    suspended, and of the `free` ones not what staff took away. The students of what was bought
    aren't counted yet."""
    with transaction.atomic():
        new_ids = _insert_missing(wanted, source)
        rows = _lock_places(wanted)
        revoked = _leave_withdrawn([row for row in rows if row.status == Status.REVOKED], free)
        _reactivate(revoked, source, actor_id)
        admitted = [row for row in rows if row.id in new_ids or row in revoked]
        if source != Enrollment.Source.PURCHASE:
            count_students(opened=admitted)
        outbox.record_all([Enrolled(**name_facts(row), source=source.value) for row in admitted])
    opened = {row.id for row in admitted}
    return {(row.user_id, row.course_id): (row, row.id in opened) for row in rows}


def _leave_withdrawn(revoked: list[Enrollment], free: Collection[_Place]) -> list[Enrollment]:
    among = [row for row in revoked if (row.user_id, row.course_id) in free]
    withdrawn = find_held_by_staff(enrollments=among) if among else set()
    return [row for row in revoked if row.id not in withdrawn]


def _lock_places(wanted: Collection[_Place]) -> list[Enrollment]:
    """Hold the enrolments of these people in these courses, in key order."""
    among = Enrollment.objects.filter(
        user_id__in={user_id for user_id, _ in wanted},
        course_id__in={course_id for _, course_id in wanted},
    )
    places, found = set(wanted), among.values_list("id", "user_id", "course_id")
    chosen = [key for key, user_id, course_id in found if (user_id, course_id) in places]
    return lock_enrollments(enrollment_ids=chosen)


def _insert_missing(wanted: Collection[_Place], source: Enrollment.Source) -> set[UUID]:
    now = timezone.now()
    fresh = [
        Enrollment(user_id=user_id, course_id=course_id, source=source, enrolled_at=now)
        for user_id, course_id in sorted(set(wanted))
    ]
    # On conflict do nothing: a parallel enrolment makes this wait for it, never a second row.
    new_ids = {row.id for row in insert_missing(fresh)}
    made = Enrollment.objects.filter(id__in=new_ids)
    made.with_live_progress().update(total_lessons=F("live_lessons"))
    return new_ids


def _reactivate(
    revoked: list[Enrollment], source: Enrollment.Source, actor_id: UUID | None
) -> None:
    if not revoked:
        return
    now = timezone.now()
    for row in revoked:
        move_access(row, Status.ACTIVE)
        row.source, row.enrolled_at = source, now
        row.save(update_fields=["status", "source", "enrolled_at", "updated_at"])
    end_holds(enrollments=revoked, actor_id=actor_id)
    reinstate_certificates(enrollments=revoked)
