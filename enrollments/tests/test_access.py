"""Giving access and taking it away: who has what, what is counted, what is told."""

from collections.abc import Callable
from decimal import Decimal
from uuid import uuid4

import pytest

from core.errors import Invalid
from core.models import AuditEntry
from courses.errors import CourseNotFound
from courses.models import Course, CourseStats
from courses.services import recount_stats
from enrollments import selectors, services
from enrollments.errors import AlreadyEnrolled, CourseNotFree, OwnCourse
from enrollments.models import Certificate, Enrollment
from enrollments.tests.buying import enroll_buyer
from tests.factories import CourseFactory, EnrollmentFactory, StaffFactory, UserFactory
from users.models import UserProfile

pytestmark = pytest.mark.django_db

DISPUTE = services.Reason.of_dispute(uuid4())
REFUND = services.Reason.of_refund(uuid4())

Recorded = Callable[[str], list[dict[str, str]]]


def students(course: Course) -> int:
    return CourseStats.objects.get(course=course).student_count


class TestEnrollFree:
    def test_a_free_course_enrols(self, recorded: Recorded) -> None:
        user, course = UserFactory.create(), CourseFactory.create(price=0, original_price=None)
        enrollment = services.enroll_free(user_id=user.id, course_id=course.id)
        assert enrollment.status == "active"
        assert enrollment.source == "free"
        assert students(course) == 1
        assert recorded("enrollments.enrolled") == [
            {
                "enrollment_id": str(enrollment.id),
                "user_id": str(user.id),
                "course_id": str(course.id),
                "source": "free",
            }
        ]

    def test_total_lessons_are_noted(self, course: Course) -> None:
        Course.objects.filter(id=course.id).update(price=0)
        enrollment = services.enroll_free(user_id=UserFactory.create().id, course_id=course.id)
        enrollment.refresh_from_db()
        assert (enrollment.total_lessons, enrollment.lessons_completed) == (4, 0)

    @pytest.mark.parametrize("status", ["active", "suspended"])
    def test_twice_is_refused(self, status: str) -> None:
        course = CourseFactory.create(price=0, original_price=None)
        old = EnrollmentFactory.create(course=course, status=status)
        with pytest.raises(AlreadyEnrolled):
            services.enroll_free(user_id=old.user_id, course_id=course.id)
        assert students(course) == 0

    def test_a_priced_course_has_to_be_bought(self) -> None:
        course = CourseFactory.create(price=Decimal("0.01"), original_price=None)
        with pytest.raises(CourseNotFree):
            services.enroll_free(user_id=UserFactory.create().id, course_id=course.id)
        assert not Enrollment.objects.exists()

    @pytest.mark.parametrize("status", ["draft", "in_review", "archived"])
    def test_an_unpublished_course_is_not_there(self, status: str) -> None:
        course = CourseFactory.create(price=0, original_price=None, status=status)
        with pytest.raises(CourseNotFound):
            services.enroll_free(user_id=UserFactory.create().id, course_id=course.id)

    def test_an_unknown_course_is_not_there(self) -> None:
        with pytest.raises(CourseNotFound):
            services.enroll_free(user_id=UserFactory.create().id, course_id=uuid4())

    def test_nobody_enrols_in_their_own_course(self) -> None:
        course = CourseFactory.create(price=0, original_price=None)
        with pytest.raises(OwnCourse):
            services.enroll_free(user_id=course.instructor_id, course_id=course.id)

    def test_a_revoked_one_comes_back_with_its_progress(self) -> None:
        course = CourseFactory.create(price=0, original_price=None)
        old = EnrollmentFactory.create(course=course, lessons_completed=3)
        services.revoke_enrollments(enrollment_ids=[old.id], reason=REFUND)
        back = services.enroll_free(user_id=old.user_id, course_id=course.id)
        assert (back.id, back.status, back.lessons_completed) == (old.id, "active", 3)
        assert students(course) == 1


class TestEnrollBought:
    def test_each_course_is_told_apart(self, recorded: Recorded) -> None:
        user = UserFactory.create()
        new, active, suspended, revoked = CourseFactory.create_batch(4)
        EnrollmentFactory.create(user=user, course=active)
        EnrollmentFactory.create(user=user, course=suspended, status="suspended")
        old = EnrollmentFactory.create(user=user, course=revoked, status="revoked", source="free")
        ids = [revoked.id, suspended.id, active.id, new.id]
        bought = enroll_buyer(user_id=user.id, course_ids=ids)
        assert [row.course_id for row in bought] == sorted(ids)
        assert {row.course_id: row.opened for row in bought} == {
            new.id: True, active.id: False, suspended.id: False, revoked.id: True,
        }  # fmt: skip
        old.refresh_from_db()
        assert (old.status, old.source) == ("active", "purchase")
        assert Enrollment.objects.get(course=suspended).status == "suspended"
        assert [students(c) for c in (new, active, suspended, revoked)] == [1, 0, 0, 1]
        assert len(recorded("enrollments.enrolled")) == 2

    def test_the_same_again_owns_them_already(self) -> None:
        user, course = UserFactory.create(), CourseFactory.create()
        first = enroll_buyer(user_id=user.id, course_ids=[course.id])
        again = enroll_buyer(user_id=user.id, course_ids=[course.id, course.id])
        assert [row.opened for row in first] == [True]
        assert [row.opened for row in again] == [False]
        assert first[0].enrollment_id == again[0].enrollment_id
        assert students(course) == 1

    def test_nothing_bought_is_nothing_done(self) -> None:
        assert enroll_buyer(user_id=UserFactory.create().id, course_ids=[]) == []


class TestTakingAway:
    def test_suspend_resume_revoke_and_each_again(self, recorded: Recorded) -> None:
        user, course = UserFactory.create(), CourseFactory.create()
        other = enroll_buyer(user_id=UserFactory.create().id, course_ids=[course.id])[0]
        ids = [enroll_buyer(user_id=user.id, course_ids=[course.id])[0].enrollment_id]
        assert students(course) == 2

        assert services.suspend_enrollments(enrollment_ids=ids, reason=DISPUTE) == 1
        assert services.suspend_enrollments(enrollment_ids=ids, reason=DISPUTE) == 0
        assert students(course) == 1
        assert not selectors.has_access(user_id=user.id, course_id=course.id)

        assert services.lift_reason(reason=DISPUTE) == 1
        assert services.lift_reason(reason=DISPUTE) == 0
        assert students(course) == 2
        assert selectors.has_access(user_id=user.id, course_id=course.id)

        services.suspend_enrollments(enrollment_ids=ids, reason=DISPUTE)
        assert services.revoke_enrollments(enrollment_ids=ids, reason=REFUND) == 1
        assert services.revoke_enrollments(enrollment_ids=ids, reason=REFUND) == 0
        assert services.lift_reason(reason=DISPUTE) == 1
        assert services.suspend_enrollments(enrollment_ids=ids, reason=DISPUTE) == 1
        assert students(course) == 1

        assert [row["reason"] for row in recorded("enrollments.revoked")] == ["refund"]
        assert len(recorded("enrollments.suspended")) == 2
        assert len(recorded("enrollments.resumed")) == 1
        assert Enrollment.objects.get(id=other.enrollment_id).status == "active"
        assert recount_stats() == []

    def test_staff_say_why(self) -> None:
        with pytest.raises(Invalid):
            services.Reason.of_staff(" ")

    def test_what_was_earned_goes_and_comes_back(
        self, enrollment: Enrollment, complete: Callable[[Enrollment], None]
    ) -> None:
        complete(enrollment)
        ids = [enrollment.id]

        def earned() -> tuple[int, int, bool]:
            profile = UserProfile.objects.get(user_id=enrollment.user_id)
            valid = Certificate.objects.get(enrollment=enrollment).revoked_at is None
            return profile.courses_completed, profile.certificates_earned, valid

        assert earned() == (1, 1, True)
        services.suspend_enrollments(enrollment_ids=ids, reason=DISPUTE)
        assert earned() == (1, 1, True)
        services.revoke_enrollments(enrollment_ids=ids, reason=REFUND)
        assert earned() == (0, 0, False)
        bought = enroll_buyer(user_id=enrollment.user_id, course_ids=[enrollment.course_id])
        assert bought[0].enrollment_id == enrollment.id
        assert earned() == (1, 1, True)
        enrollment.refresh_from_db()
        assert enrollment.is_completed
        assert enrollment.progress_percent == 100

    def test_a_certificate_revoked_by_staff_stays_so(
        self, enrollment: Enrollment, complete: Callable[[Enrollment], None]
    ) -> None:
        complete(enrollment)
        certificate = Certificate.objects.get(enrollment=enrollment)
        actor = StaffFactory.create()
        ids = [certificate.id]
        assert services.revoke_certificates_by_staff(certificate_ids=ids, actor_id=actor.id) == 1
        assert services.revoke_certificates_by_staff(certificate_ids=ids, actor_id=actor.id) == 0
        services.revoke_enrollments(enrollment_ids=[enrollment.id], reason=REFUND)
        enroll_buyer(user_id=enrollment.user_id, course_ids=[enrollment.course_id])
        certificate.refresh_from_db()
        assert certificate.revoked_at is not None
        profile = UserProfile.objects.get(user_id=enrollment.user_id)
        assert (profile.courses_completed, profile.certificates_earned) == (1, 0)


class TestGrant:
    def test_staff_give_any_course_and_it_is_noted(self) -> None:
        user, actor = UserFactory.create(), StaffFactory.create()
        course = CourseFactory.create(status="archived")
        granted = services.grant_access(user_id=user.id, course_id=course.id, actor_id=actor.id)
        assert granted.source == "staff"
        assert selectors.has_access(user_id=user.id, course_id=course.id)
        entry = AuditEntry.objects.get()
        assert (entry.actor_id, entry.action, entry.target_id) == (
            actor.id, "enrollment.granted", str(granted.id),
        )  # fmt: skip

    def test_not_twice(self, enrollment: Enrollment) -> None:
        with pytest.raises(AlreadyEnrolled):
            services.grant_access(
                user_id=enrollment.user_id,
                course_id=enrollment.course_id,
                actor_id=StaffFactory.create().id,
            )
        assert not AuditEntry.objects.exists()


class TestWhoHasWhat:
    def test_each_state_by_each_question(self) -> None:
        user = UserFactory.create()
        rows = {
            status: EnrollmentFactory.create(user=user, status=status).course_id
            for status in ("active", "suspended", "revoked")
        }
        EnrollmentFactory.create()
        ids = list(rows.values())
        active, suspended = rows["active"], rows["suspended"]
        assert selectors.enrolled_course_ids(user_id=user.id, course_ids=ids) == {active}
        assert selectors.enrolled_course_ids(user_id=user.id, course_ids=None) == {active}
        assert selectors.enrolled_course_ids(user_id=user.id, course_ids=[suspended]) == set()
        assert selectors.owned_course_ids(user_id=user.id, course_ids=ids) == {active, suspended}
        assert [selectors.has_access(user_id=user.id, course_id=key) for key in ids] == [
            True, False, False,
        ]  # fmt: skip
        progress = [selectors.get_viewer_progress(user_id=user.id, course_id=key) for key in ids]
        assert [row.status if row else None for row in progress] == ["active", "suspended", None]
