"""Watch time only rises, and by no more than the clock allows; hours learned follow from it."""

import datetime as dt
from collections.abc import Callable

import pytest
import time_machine

from courses.models import Lesson
from enrollments.models import Enrollment, LessonProgress
from enrollments.services import (
    WatchReport,
    mark_lesson_complete,
    open_lesson,
    report_watching,
)
from users.models import UserProfile

pytestmark = pytest.mark.django_db

START = dt.datetime(2026, 3, 1, 12, 0, tzinfo=dt.UTC)
Report = Callable[..., WatchReport]


@pytest.fixture
def lesson(lessons: list[Lesson]) -> Lesson:
    """A lesson of ten minutes."""
    return lessons[1]


@pytest.fixture
def report(enrollment: Enrollment, lesson: Lesson) -> Report:
    def send(watched: int, position: int = 0) -> WatchReport:
        return report_watching(
            user_id=enrollment.user_id,
            enrollment_id=enrollment.id,
            lesson_id=lesson.id,
            watch_time_seconds=watched,
            position_seconds=position,
        )

    return send


def seconds_learned(enrollment: Enrollment) -> int:
    return UserProfile.objects.get(user_id=enrollment.user_id).total_seconds_learned


def test_a_first_report_gets_a_minutes_grace(report: Report, enrollment: Enrollment) -> None:
    with time_machine.travel(START, tick=False):
        assert report(45, 40).watch_time_seconds == 45
        assert report(100_000).watch_time_seconds == 60
    assert seconds_learned(enrollment) == 60


def test_reports_as_a_player_sends_them_lose_nothing(report: Report) -> None:
    with time_machine.travel(START, tick=False) as clock:
        for watched in range(15, 600, 15):
            clock.shift(15)
            kept = report(watched, watched)
            assert (kept.watch_time_seconds, kept.position_seconds) == (watched, watched)


def test_many_reports_at_once_earn_one_grace(report: Report) -> None:
    with time_machine.travel(START, tick=False):
        kept = [report(claim).watch_time_seconds for claim in (60, 120, 180, 240, 300)]
    assert kept == [60] * 5


def test_a_pause_is_not_watched(report: Report) -> None:
    with time_machine.travel(START, tick=False) as clock:
        report(30)
        clock.shift(3600)
        report(30)
        clock.shift(10)
        assert report(3600).watch_time_seconds == 30 + 10 + 60


def test_it_only_rises(report: Report, enrollment: Enrollment) -> None:
    with time_machine.travel(START, tick=False) as clock:
        report(50, 50)
        clock.shift(30)
        kept = report(10, 5)
    assert (kept.watch_time_seconds, kept.position_seconds) == (50, 5)
    assert seconds_learned(enrollment) == 50


def test_three_times_the_lesson_is_all_there_is(report: Report) -> None:
    with time_machine.travel(START, tick=False) as clock:
        report(0)
        clock.shift(5000)
        assert report(5000, 5000).watch_time_seconds == 1800


def test_the_position_ends_with_the_lesson(report: Report) -> None:
    assert report(0, 2**62).position_seconds == 600


def test_a_lesson_of_unknown_length_is_bound_by_the_clock_alone(
    report: Report, lesson: Lesson
) -> None:
    Lesson.objects.filter(id=lesson.id).update(duration_minutes=0)
    with time_machine.travel(START, tick=False) as clock:
        report(0)
        clock.shift(5000)
        kept = report(4000, 2**62)
    assert (kept.watch_time_seconds, kept.position_seconds) == (4000, 86400)


def test_opening_a_lesson_starts_its_clock(
    report: Report, enrollment: Enrollment, lesson: Lesson
) -> None:
    with time_machine.travel(START, tick=False) as clock:
        for _ in range(2):
            open_lesson(lesson_id=lesson.id, viewer_id=enrollment.user_id, opens_all=False)
            clock.shift(120)
        assert report(1000).watch_time_seconds == 300
    assert LessonProgress.objects.get().created_at == START


def test_hours_are_the_longer_of_watched_and_completed(
    report: Report, enrollment: Enrollment, lesson: Lesson
) -> None:
    def complete() -> None:
        mark_lesson_complete(
            user_id=enrollment.user_id, enrollment_id=enrollment.id, lesson_id=lesson.id
        )

    with time_machine.travel(START, tick=False) as clock:
        report(60)
        assert seconds_learned(enrollment) == 60
        complete()
        assert seconds_learned(enrollment) == 600
        clock.shift(700)
        report(500)
        assert seconds_learned(enrollment) == 600
        clock.shift(700)
        report(700)
        assert seconds_learned(enrollment) == 700


def test_a_report_of_a_completed_lesson_says_so(
    report: Report, enrollment: Enrollment, lesson: Lesson
) -> None:
    mark_lesson_complete(
        user_id=enrollment.user_id, enrollment_id=enrollment.id, lesson_id=lesson.id
    )
    kept = report(1)
    assert (kept.is_completed, kept.enrollment_progress) == (True, 25)
