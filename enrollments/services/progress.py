"""Learning: opening lessons, watching them, completing them."""

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from core import outbox
from courses import selectors as course_selectors
from courses.errors import LessonNotFound
from courses.selectors import LessonFacts
from enrollments.errors import EnrollmentInactive, EnrollmentNotFound
from enrollments.events import CourseCompleted
from enrollments.models import Enrollment, LessonProgress
from enrollments.selectors.access import percent
from enrollments.selectors.lessons import OpenedLesson, get_lesson
from enrollments.services.certificates import create_certificate
from enrollments.services.streaks import record_learning_day
from users import services as user_services

# A player that reports once a minute, or started before its first report reached us, loses nothing.
WATCH_ALLOWANCE = dt.timedelta(seconds=60)
# Watching a lesson again is learning too, up to this many times its length.
REWATCH_FACTOR = 3


@dataclass(frozen=True, kw_only=True)
class LessonMark:
    """One lesson after a mark, and the enrolment's progress in whole percent, rounded down."""

    lesson_id: UUID
    enrollment_id: UUID
    is_completed: bool
    enrollment_progress: int


@dataclass(frozen=True, kw_only=True)
class WatchReport:
    """What was kept of a report: seconds as counted, which may be less than was claimed."""

    lesson_id: UUID
    enrollment_id: UUID
    watch_time_seconds: int
    position_seconds: int
    is_completed: bool
    enrollment_progress: int


def open_lesson(*, lesson_id: UUID, viewer_id: UUID | None, opens_all: bool) -> OpenedLesson:
    """Return a lesson with its media to somebody who may have it: the one gate (contract).

    The first time an enrolled learner opens it, their clock for watch time starts. Raises
    LessonNotFound (also when the course isn't visible to them) or LessonLocked.
    """
    view = get_lesson(lesson_id=lesson_id, viewer_id=viewer_id, opens_all=opens_all)
    if view.progress is not None and not view.progress.is_opened:
        LessonProgress.objects.bulk_create(
            [LessonProgress(enrollment_id=view.progress.enrollment_id, lesson_id=lesson_id)],
            ignore_conflicts=True,
        )
    return view


def mark_lesson_complete(*, user_id: UUID, enrollment_id: UUID, lesson_id: UUID) -> LessonMark:
    """Complete a lesson; again changes nothing. The last one completes the course, exactly once.

    Raises EnrollmentNotFound, EnrollmentInactive, or LessonNotFound (other course, or removed).
    """
    with transaction.atomic():
        enrollment = _lock_enrollment(user_id, enrollment_id)
        lesson = _get_live_lesson(enrollment, lesson_id)
        progress = _get_progress(enrollment, lesson_id)
        now = timezone.now()
        if not progress.is_completed:
            progress.is_completed, progress.completed_at = True, now
            _save_with_credit(enrollment, lesson, progress)
            enrollment.last_activity_at = now
            record_learning_day(user_id=user_id, at=now)
        _recount(enrollment, now)
    return _mark(enrollment, progress)


def take_back_completion(*, user_id: UUID, enrollment_id: UUID, lesson_id: UUID) -> LessonMark:
    """Make a lesson uncompleted; one that isn't completed stays so.

    The progress falls. Hours already credited, a completed course and its certificate stay, and so
    does what counts as learned when a refund is asked for.
    Raises as `mark_lesson_complete`.
    """
    with transaction.atomic():
        enrollment = _lock_enrollment(user_id, enrollment_id)
        _get_live_lesson(enrollment, lesson_id)
        progress = _get_progress(enrollment, lesson_id)
        progress.is_completed, progress.completed_at = False, None
        progress.save(update_fields=["is_completed", "completed_at", "updated_at"])
        _recount(enrollment, timezone.now())
    return _mark(enrollment, progress)


def report_watching(
    *,
    user_id: UUID,
    enrollment_id: UUID,
    lesson_id: UUID,
    watch_time_seconds: int,
    position_seconds: int,
) -> WatchReport:
    """Take in how long a lesson has been watched in all, and where the player stands.

    Watch time only rises, and by no more than the clock allows: the time since the last report and
    since the lesson was first opened, each with `WATCH_ALLOWANCE`, and `REWATCH_FACTOR` times the
    lesson's length in all. The position is where to resume: it may go back, up to the lesson's end.
    Raises as `mark_lesson_complete`.
    """
    with transaction.atomic():
        enrollment = _lock_enrollment(user_id, enrollment_id)
        lesson = _get_live_lesson(enrollment, lesson_id)
        progress = _get_progress(enrollment, lesson_id)
        now = timezone.now()
        watched = min(watch_time_seconds, _watchable_seconds(lesson, progress, now))
        has_learned = watched > progress.watch_time_seconds
        progress.watch_time_seconds = max(watched, progress.watch_time_seconds)
        progress.position_seconds = min(position_seconds, _longest_position(lesson))
        progress.reported_at = now
        _save_with_credit(enrollment, lesson, progress)
        if has_learned:
            record_learning_day(user_id=user_id, at=now)
        enrollment.last_activity_at = now
        _recount(enrollment, now)
    return WatchReport(
        lesson_id=lesson_id,
        enrollment_id=enrollment_id,
        watch_time_seconds=progress.watch_time_seconds,
        position_seconds=progress.position_seconds,
        is_completed=progress.is_completed,
        enrollment_progress=enrollment.progress_percent,
    )


def _lock_enrollment(user_id: UUID, enrollment_id: UUID) -> Enrollment:
    """Return the enrolment, locked: what is counted next no parallel request can change.

    The lock leaves its key alone, so that a lesson opened meanwhile, which refers to it, can't end
    in a deadlock.
    """
    enrollment = (
        Enrollment.objects.select_for_update(no_key=True)
        .filter(id=enrollment_id, user_id=user_id)
        .first()
    )
    if enrollment is None:
        raise EnrollmentNotFound
    if enrollment.status != Enrollment.Status.ACTIVE:
        raise EnrollmentInactive
    return enrollment


def _get_live_lesson(enrollment: Enrollment, lesson_id: UUID) -> LessonFacts:
    lesson = course_selectors.get_lesson_facts(lesson_id=lesson_id)
    if lesson.course_id != enrollment.course_id or not lesson.is_live:
        raise LessonNotFound
    return lesson


def _get_progress(enrollment: Enrollment, lesson_id: UUID) -> LessonProgress:
    progress, _ = LessonProgress.objects.get_or_create(enrollment=enrollment, lesson_id=lesson_id)
    return progress


def _watchable_seconds(lesson: LessonFacts, progress: LessonProgress, now: dt.datetime) -> int:
    """Return the most that can have been watched of the lesson by now, in seconds."""
    since_opened = now - progress.created_at + WATCH_ALLOWANCE
    since_report = now - (progress.reported_at or progress.created_at) + WATCH_ALLOWANCE
    bounds = [
        int(since_opened.total_seconds()),
        progress.watch_time_seconds + int(since_report.total_seconds()),
    ]
    if lesson.duration_minutes:
        bounds.append(lesson.duration_minutes * 60 * REWATCH_FACTOR)
    return min(bounds)


def _longest_position(lesson: LessonFacts) -> int:
    """Return the lesson's end in seconds; for one of unknown length, a day."""
    return lesson.duration_minutes * 60 or 24 * 3600


def _save_with_credit(
    enrollment: Enrollment, lesson: LessonFacts, progress: LessonProgress
) -> None:
    """Save the progress and add to the person's hours what it is worth more than before: the time
    watched, or the lesson's length once it is completed. Credit is never taken back."""
    worth = progress.watch_time_seconds
    if progress.is_completed:
        worth = max(worth, lesson.duration_minutes * 60)
    gained = max(0, worth - progress.credited_seconds)
    progress.credited_seconds += gained
    progress.save()
    if gained:
        user_services.adjust_learning(user_id=enrollment.user_id, seconds=gained)


def _recount(enrollment: Enrollment, now: dt.datetime) -> None:
    """Store the progress by the lessons of today, and complete the course when nothing is left."""
    completed, total = (
        Enrollment.objects.filter(id=enrollment.id)
        .with_live_progress()
        .values_list("live_completed", "live_lessons")
        .get()
    )
    enrollment.lessons_completed, enrollment.total_lessons = completed, total
    before = enrollment.progress_percent
    enrollment.progress_percent = percent(completed=completed, total=total)
    # What stood there is counted, too: rows from before the highest was kept have only that.
    enrollment.highest_progress_percent = max(
        enrollment.highest_progress_percent, before, enrollment.progress_percent
    )
    is_done = 0 < total == completed
    if is_done and not enrollment.is_completed:
        _complete(enrollment, now)
    enrollment.save()


def _complete(enrollment: Enrollment, now: dt.datetime) -> None:
    enrollment.is_completed, enrollment.completed_at = True, now
    create_certificate(enrollment=enrollment, at=now)
    user_services.adjust_learning(user_id=enrollment.user_id, courses_completed=1, certificates=1)
    outbox.record(
        CourseCompleted(
            enrollment_id=enrollment.id,
            user_id=enrollment.user_id,
            course_id=enrollment.course_id,
        )
    )


def _mark(enrollment: Enrollment, progress: LessonProgress) -> LessonMark:
    return LessonMark(
        lesson_id=progress.lesson_id,
        enrollment_id=enrollment.id,
        is_completed=progress.is_completed,
        enrollment_progress=enrollment.progress_percent,
    )
