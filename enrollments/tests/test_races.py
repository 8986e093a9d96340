"""What happens at the same time, shown with real threads and connections."""

import datetime as dt
import threading
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any
from uuid import UUID, uuid4

import pytest
import time_machine
from django.utils import timezone

from core.models import OutboxEvent
from courses.models import Course, CourseStats, Lesson
from enrollments import services
from enrollments.errors import AlreadyEnrolled
from enrollments.models import Certificate, Enrollment, LearningDay, LessonProgress
from enrollments.services import access, certificates
from enrollments.tasks import issue_missing_certificates
from enrollments.tests.buying import enroll_buyer
from tests.factories import CourseFactory, EnrollmentFactory, UserFactory, make_course
from tests.parallel import at_once, meet
from users.models import UserProfile

pytestmark = pytest.mark.django_db(transaction=True)

DISPUTE = services.Reason.of_dispute(uuid4())
REFUND = services.Reason.of_refund(uuid4())
TERMS = services.Reason.of_staff("terms")


def events(name: str) -> int:
    return OutboxEvent.objects.filter(name=name).count()


def mark(enrollment: Enrollment, lesson_id: UUID) -> services.LessonMark:
    return services.mark_lesson_complete(
        user_id=enrollment.user_id, enrollment_id=enrollment.id, lesson_id=lesson_id
    )


@time_machine.travel("2026-03-02T12:00Z")
def test_the_last_lessons_in_parallel_complete_the_course_once() -> None:
    """On one day, which is not to end meanwhile."""
    course = make_course(sections=2, lessons=4)
    lesson_ids = list(Lesson.objects.values_list("id", flat=True))
    for _ in range(3):
        enrollment = EnrollmentFactory.create(course=course)
        answers = at_once(*[partial(mark, enrollment, key) for key in lesson_ids])
        assert sorted(answer.enrollment_progress for answer in answers) == [
            12, 25, 37, 50, 62, 75, 87, 100,
        ]  # fmt: skip
        enrollment.refresh_from_db()
        assert (enrollment.progress_percent, enrollment.is_completed) == (100, True)
        profile = UserProfile.objects.get(user_id=enrollment.user_id)
        assert (profile.courses_completed, profile.total_seconds_learned) == (1, 4800)
        assert LearningDay.objects.filter(user_id=enrollment.user_id).count() == 1
    assert events("enrollments.course_completed") == Certificate.objects.count() == 3


def test_the_same_lesson_in_parallel_counts_once() -> None:
    enrollment = EnrollmentFactory.create(course=make_course())
    lesson_id = Lesson.objects.values_list("id", flat=True)[0]
    LessonProgress.objects.create(enrollment=enrollment, lesson_id=lesson_id)
    answers = at_once(*[lambda: mark(enrollment, lesson_id)] * 8)
    assert {answer.enrollment_progress for answer in answers} == {25}
    assert LessonProgress.objects.count() == 1
    assert UserProfile.objects.get(user_id=enrollment.user_id).total_seconds_learned == 600


def test_parallel_reports_are_credited_once() -> None:
    enrollment = EnrollmentFactory.create(course=make_course())
    lesson_id = Lesson.objects.values_list("id", flat=True)[0]
    LessonProgress.objects.create(enrollment=enrollment, lesson_id=lesson_id)

    def report() -> services.WatchReport:
        return services.report_watching(
            user_id=enrollment.user_id,
            enrollment_id=enrollment.id,
            lesson_id=lesson_id,
            watch_time_seconds=40,
            position_seconds=40,
        )

    answers = at_once(*[report] * 8)
    assert {answer.watch_time_seconds for answer in answers} == {40}
    assert UserProfile.objects.get(user_id=enrollment.user_id).total_seconds_learned == 40


def test_parallel_repeats_after_the_missing_lesson_was_removed_complete_once() -> None:
    enrollment = EnrollmentFactory.create(course=make_course(sections=1, lessons=2))
    done, removed = Lesson.objects.values_list("id", flat=True).order_by("order")
    mark(enrollment, done)
    Lesson.objects.filter(id=removed).update(removed_at=timezone.now())
    answers = at_once(*[partial(mark, enrollment, done)] * 8)
    assert not [answer for answer in answers if isinstance(answer, Exception)]
    assert events("enrollments.course_completed") == Certificate.objects.count() == 1
    assert UserProfile.objects.get(user_id=enrollment.user_id).courses_completed == 1


def test_opening_and_marking_at_once() -> None:
    enrollment = EnrollmentFactory.create(course=make_course())
    lesson_id = Lesson.objects.values_list("id", flat=True)[0]

    def look() -> object:
        return services.open_lesson(
            lesson_id=lesson_id, viewer_id=enrollment.user_id, opens_all=False
        )

    answers = at_once(look, look, look, lambda: mark(enrollment, lesson_id))
    assert not [answer for answer in answers if isinstance(answer, Exception)]
    assert LessonProgress.objects.get().is_completed


def test_parallel_enrolments_make_one() -> None:
    user = UserFactory.create()
    course = CourseFactory.create(price=0, original_price=None)
    answers = at_once(*[lambda: services.enroll_free(user_id=user.id, course_id=course.id)] * 8)
    assert sum(isinstance(answer, Enrollment) for answer in answers) == 1
    assert sum(isinstance(answer, AlreadyEnrolled) for answer in answers) == 7
    assert CourseStats.objects.get(course=course).student_count == 1
    assert events("enrollments.enrolled") == 1


@pytest.mark.parametrize("start", ["new", "revoked"])
def test_parallel_purchases_own_each_course_once(
    start: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has read who owns what before any of them opens it again."""
    reactivate = access._reactivate

    def meet_and_reactivate(*given: Any) -> None:
        meet()
        reactivate(*given)

    monkeypatch.setattr(access, "_reactivate", meet_and_reactivate)
    user = UserFactory.create()
    ids = [course.id for course in CourseFactory.create_batch(3)]
    if start == "revoked":
        for course_id in ids:
            EnrollmentFactory.create(
                user=user, course=Course.objects.get(id=course_id), status="revoked"
            )
    orders = [ids, ids[::-1], ids[1:] + ids[:1], ids]
    answers = at_once(
        *[partial(enroll_buyer, user_id=user.id, course_ids=order) for order in orders]
    )
    bought = [row for answer in answers for row in answer]
    new = [row.course_id for row in bought if row.opened]
    assert sorted(new) == sorted(ids)
    assert list(CourseStats.objects.values_list("student_count", flat=True)) == [1, 1, 1]
    assert events("enrollments.enrolled") == 3


def test_buying_again_while_a_refund_revokes() -> None:
    """Whoever is first: the student's counter agrees with what is left."""
    user = UserFactory.create()
    course = CourseFactory.create()
    bought = enroll_buyer(user_id=user.id, course_ids=[course.id])[0]
    for _ in range(5):
        at_once(
            lambda: services.revoke_enrollments(
                enrollment_ids=[bought.enrollment_id], reason=REFUND
            ),
            lambda: enroll_buyer(user_id=user.id, course_ids=[course.id]),
            lambda: services.suspend_enrollments(
                enrollment_ids=[bought.enrollment_id], reason=DISPUTE
            ),
        )
        active = Enrollment.objects.filter(status="active").count()
        assert CourseStats.objects.get(course=course).student_count == active


def test_parallel_refunds_revoke_once() -> None:
    course = CourseFactory.create()
    ids = [
        enroll_buyer(user_id=UserFactory.create().id, course_ids=[course.id])[0] for _ in range(9)
    ]
    revoke = partial(
        services.revoke_enrollments, enrollment_ids=[ids[0].enrollment_id], reason=REFUND
    )
    assert sorted(at_once(*[revoke] * 8)) == [0] * 7 + [1]
    assert CourseStats.objects.get(course=course).student_count == 8
    assert events("enrollments.revoked") == 1


def test_parallel_workers_make_each_certificate_once(monkeypatch: pytest.MonkeyPatch) -> None:
    # However long they take, none takes a claim for one that has lapsed.
    monkeypatch.setattr(certificates, "FIRST_BACKOFF", dt.timedelta(hours=1))
    course = make_course(sections=1, lessons=1)
    lesson_id = Lesson.objects.values_list("id", flat=True)[0]
    for _ in range(3):
        mark(EnrollmentFactory.create(course=course), lesson_id)
    answers = at_once(*[issue_missing_certificates] * 4)
    assert sum(answers) == 3
    assert not Certificate.objects.filter(file="").exists()
    assert set(Certificate.objects.values_list("attempts", flat=True)) == {1}
    assert events("enrollments.certificate_issued") == 3


def meeting(monkeypatch: pytest.MonkeyPatch, target: str, *, first: str) -> None:
    """Have two threads meet around `target`: the one named `first` has called it by then, the other
    is about to. Whoever can't come, as it waits for a lock, is not waited for."""
    owner, name = target.rsplit(".", 1)
    called = getattr(import_module(owner), name)

    def call(**given: Any) -> Any:
        is_first = threading.current_thread().name == first
        answer = called(**given) if is_first else None
        meet()
        return answer if is_first else called(**given)

    monkeypatch.setattr(target, call)


def named(name: str, call: Callable[[], object]) -> Callable[[], object]:
    def run() -> object:
        threading.current_thread().name = name
        return call()

    return run


def complete(course: Course, user: Any = None) -> Enrollment:
    enrollment: Enrollment = EnrollmentFactory.create(
        course=course, **({"user": user} if user else {})
    )
    for lesson_id in Lesson.objects.filter(curriculum__course=course).values_list("id", flat=True):
        mark(enrollment, lesson_id)
    return enrollment


def test_staff_and_a_refund_revoke_a_certificate_without_a_deadlock(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    enrollment = complete(make_course(sections=1, lessons=1))
    certificate = Certificate.objects.get()
    meeting(monkeypatch, "users.services.adjust_learning", first="refund")
    answers = at_once(
        named(
            "refund",
            partial(services.revoke_enrollments, enrollment_ids=[enrollment.id], reason=REFUND),
        ),
        named(
            "staff",
            partial(
                services.revoke_certificates_by_staff,
                certificate_ids=[certificate.id],
                actor_id=enrollment.user_id,
            ),
        ),
    )
    assert not [answer for answer in answers if isinstance(answer, Exception)]
    profile = UserProfile.objects.get(user_id=enrollment.user_id)
    assert (profile.courses_completed, profile.certificates_earned) == (0, 0)


def test_taking_courses_from_many_and_selling_one_again_without_a_deadlock(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one, two = make_course(sections=1, lessons=1), make_course(sections=1, lessons=1)
    buyer = UserFactory.create()
    taken = [complete(one).id, complete(two, buyer).id]
    before = complete(one, buyer)
    services.revoke_enrollments(enrollment_ids=[before.id], reason=REFUND)
    CourseStats.objects.update(student_count=1)
    meeting(monkeypatch, "users.services.adjust_learning", first="sale")
    answers = at_once(
        named(
            "staff",
            partial(
                services.revoke_enrollments,
                enrollment_ids=taken,
                reason=TERMS,
            ),
        ),
        named("sale", partial(enroll_buyer, user_id=buyer.id, course_ids=[one.id])),
    )
    assert not [answer for answer in answers if isinstance(answer, Exception)]
    assert CourseStats.objects.get(course=one).student_count == 1
    assert UserProfile.objects.get(user=buyer).courses_completed == 1
