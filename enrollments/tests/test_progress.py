"""Completing lessons: what counts, what sticks, and who may."""

from collections.abc import Callable
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from courses.errors import LessonNotFound
from courses.models import Course, Lesson
from enrollments import selectors
from enrollments.errors import EnrollmentInactive, EnrollmentNotFound
from enrollments.models import Certificate, Enrollment, LearningDay, LessonProgress
from enrollments.services import mark_lesson_complete, report_watching, take_back_completion
from tests.factories import EnrollmentFactory, LessonFactory, UserFactory, make_course
from users.models import UserProfile

pytestmark = pytest.mark.django_db

Complete = Callable[[Enrollment], None]


def mark(enrollment: Enrollment, lesson: Lesson) -> int:
    outcome = mark_lesson_complete(
        user_id=enrollment.user_id, enrollment_id=enrollment.id, lesson_id=lesson.id
    )
    assert outcome.is_completed
    assert (outcome.lesson_id, outcome.enrollment_id) == (lesson.id, enrollment.id)
    return outcome.enrollment_progress


def progress_of(enrollment: Enrollment) -> tuple[int, int, int]:
    row = selectors.get_viewer_progress(user_id=enrollment.user_id, course_id=enrollment.course_id)
    assert row is not None
    return row.lessons_completed, row.total_lessons, row.progress_percent


def test_progress_is_rounded_down() -> None:
    course = make_course(sections=1, lessons=3)
    enrollment = EnrollmentFactory.create(course=course)
    lessons = list(Lesson.objects.filter(curriculum__course=course).order_by("order"))
    assert [mark(enrollment, lesson) for lesson in lessons] == [33, 66, 100]


def test_the_stored_progress_follows(enrollment: Enrollment, lessons: list[Lesson]) -> None:
    mark(enrollment, lessons[0])
    enrollment.refresh_from_db()
    assert (enrollment.lessons_completed, enrollment.total_lessons) == (1, 4)
    assert enrollment.progress_percent == 25
    assert enrollment.last_activity_at is not None
    assert not enrollment.is_completed


def test_a_repeat_changes_nothing(enrollment: Enrollment, lessons: list[Lesson]) -> None:
    assert mark(enrollment, lessons[0]) == 25
    before = (
        Enrollment.objects.values("lessons_completed", "last_activity_at").get(),
        LessonProgress.objects.values("completed_at", "credited_seconds").get(),
        UserProfile.objects.values("total_seconds_learned").get(user_id=enrollment.user_id),
    )
    assert mark(enrollment, lessons[0]) == 25
    after = (
        Enrollment.objects.values("lessons_completed", "last_activity_at").get(),
        LessonProgress.objects.values("completed_at", "credited_seconds").get(),
        UserProfile.objects.values("total_seconds_learned").get(user_id=enrollment.user_id),
    )
    assert before == after


def test_the_last_lesson_completes_the_course_once(
    enrollment: Enrollment,
    complete: Complete,
    recorded: Callable[[str], list[dict[str, str]]],
    lessons: list[Lesson],
) -> None:
    complete(enrollment)
    assert enrollment.is_completed
    assert enrollment.completed_at is not None
    mark(enrollment, lessons[-1])
    take_back_completion(
        user_id=enrollment.user_id, enrollment_id=enrollment.id, lesson_id=lessons[0].id
    )
    assert mark(enrollment, lessons[0]) == 100
    assert recorded("enrollments.course_completed") == [
        {
            "enrollment_id": str(enrollment.id),
            "user_id": str(enrollment.user_id),
            "course_id": str(enrollment.course_id),
        }
    ]
    profile = UserProfile.objects.get(user_id=enrollment.user_id)
    assert (profile.courses_completed, profile.certificates_earned) == (1, 1)
    certificate = Certificate.objects.get()
    assert (certificate.enrollment_id, certificate.file.name) == (enrollment.id, "")
    assert certificate.student_name == enrollment.user.full_name
    assert certificate.course_title == "Rivers"
    assert certificate.instructor_name == enrollment.course.instructor.full_name
    assert certificate.hours == Decimal("0.67")


def test_nothing_of_others_changes(enrollment: Enrollment, complete: Complete) -> None:
    other = EnrollmentFactory.create(course=enrollment.course)
    complete(enrollment)
    other.refresh_from_db()
    assert (other.lessons_completed, other.is_completed) == (0, False)
    assert UserProfile.objects.get(user_id=other.user_id).total_seconds_learned == 0


def test_completion_is_sticky_when_lessons_are_added(
    enrollment: Enrollment, complete: Complete, lessons: list[Lesson]
) -> None:
    complete(enrollment)
    completed_at = enrollment.completed_at
    added = LessonFactory.create(curriculum=lessons[0].curriculum, order=99)
    assert progress_of(enrollment) == (4, 5, 80)
    assert mark(enrollment, added) == 100
    enrollment.refresh_from_db()
    assert (enrollment.is_completed, enrollment.completed_at) == (True, completed_at)
    assert Certificate.objects.count() == 1


def test_removed_lessons_count_on_neither_side(
    enrollment: Enrollment, lessons: list[Lesson]
) -> None:
    mark(enrollment, lessons[0])
    mark(enrollment, lessons[1])
    lessons[1].removed_at = timezone.now()
    lessons[1].save()
    assert progress_of(enrollment) == (1, 3, 33)
    mark(enrollment, lessons[2])
    assert mark(enrollment, lessons[3]) == 100


def test_a_repeat_completes_when_the_missing_lesson_was_removed(
    enrollment: Enrollment, lessons: list[Lesson]
) -> None:
    for lesson in lessons[:3]:
        mark(enrollment, lesson)
    lessons[3].removed_at = timezone.now()
    lessons[3].save()
    assert mark(enrollment, lessons[0]) == 100
    enrollment.refresh_from_db()
    assert enrollment.is_completed


def test_taking_back(enrollment: Enrollment, lessons: list[Lesson]) -> None:
    mark(enrollment, lessons[0])
    mark(enrollment, lessons[1])
    for _ in range(2):
        outcome = take_back_completion(
            user_id=enrollment.user_id, enrollment_id=enrollment.id, lesson_id=lessons[0].id
        )
        assert (outcome.is_completed, outcome.enrollment_progress) == (False, 25)
    profile = UserProfile.objects.get(user_id=enrollment.user_id)
    assert profile.total_seconds_learned == 1200
    mark(enrollment, lessons[0])
    profile.refresh_from_db()
    assert profile.total_seconds_learned == 1200


def test_taking_back_does_not_take_a_completed_course(
    enrollment: Enrollment, complete: Complete, lessons: list[Lesson]
) -> None:
    complete(enrollment)
    take_back_completion(
        user_id=enrollment.user_id, enrollment_id=enrollment.id, lesson_id=lessons[0].id
    )
    enrollment.refresh_from_db()
    assert (enrollment.progress_percent, enrollment.is_completed) == (75, True)
    assert Certificate.objects.get().revoked_at is None


def report(*, user_id: UUID, enrollment_id: UUID, lesson_id: UUID) -> None:
    report_watching(
        user_id=user_id, enrollment_id=enrollment_id, lesson_id=lesson_id,
        watch_time_seconds=5, position_seconds=5,
    )  # fmt: skip


@pytest.mark.parametrize("act", [mark_lesson_complete, take_back_completion, report])
class TestRefusals:
    def test_another_persons_enrolment(self, act, enrollment, lessons) -> None:
        with pytest.raises(EnrollmentNotFound):
            act(
                user_id=UserFactory.create().id,
                enrollment_id=enrollment.id,
                lesson_id=lessons[0].id,
            )
        assert not LessonProgress.objects.exists()

    def test_an_unknown_enrolment(self, act, enrollment, lessons) -> None:
        with pytest.raises(EnrollmentNotFound):
            act(user_id=enrollment.user_id, enrollment_id=uuid4(), lesson_id=lessons[0].id)

    @pytest.mark.parametrize("status", ["suspended", "revoked"])
    def test_an_inactive_enrolment(self, act, status, enrollment, lessons) -> None:
        Enrollment.objects.update(status=status)
        with pytest.raises(EnrollmentInactive):
            act(
                user_id=enrollment.user_id,
                enrollment_id=enrollment.id,
                lesson_id=lessons[0].id,
            )
        assert not LessonProgress.objects.exists()
        assert not LearningDay.objects.exists()

    def test_a_lesson_of_another_course(self, act, enrollment) -> None:
        foreign = Lesson.objects.filter(curriculum__course=make_course()).first()
        assert foreign is not None
        with pytest.raises(LessonNotFound):
            act(user_id=enrollment.user_id, enrollment_id=enrollment.id, lesson_id=foreign.id)

    def test_a_removed_lesson(self, act, enrollment, lessons) -> None:
        Lesson.objects.filter(id=lessons[0].id).update(removed_at=timezone.now())
        with pytest.raises(LessonNotFound):
            act(
                user_id=enrollment.user_id,
                enrollment_id=enrollment.id,
                lesson_id=lessons[0].id,
            )

    def test_an_unknown_lesson(self, act, enrollment) -> None:
        with pytest.raises(LessonNotFound):
            act(user_id=enrollment.user_id, enrollment_id=enrollment.id, lesson_id=uuid4())


def test_a_course_without_lessons_has_no_progress() -> None:
    enrollment = EnrollmentFactory.create()
    assert isinstance(enrollment.course, Course)
    assert progress_of(enrollment) == (0, 0, 0)
