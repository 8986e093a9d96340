"""Writes enrolments, progress, days of learning, and what profiles count of them."""

import datetime as dt
import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping
from zoneinfo import ZoneInfo

from django.db.models import F, OuterRef, Subquery

from api.demo.rows.catalogue import Catalogue
from api.demo.rows.inserting import BATCH
from api.demo.story import Attendance
from courses.models import Lesson
from enrollments.models import Enrollment, LearningDay, LessonProgress
from users.models import User, UserProfile

# Of the lesson after the last one done, this much was watched.
BEGUN = 0.4

EnrollmentKey = tuple[str, str]


def create_enrollments(
    *, attendances: list[Attendance], users: Mapping[str, User], catalogue: Catalogue
) -> dict[EnrollmentKey, Enrollment]:
    """Create the story's enrolments with their progress; returns them by e-mail and course slug."""
    enrollments = {
        (attendance.learner, attendance.course.slug): _enrollment(attendance, users, catalogue)
        for attendance in attendances
    }
    Enrollment.objects.bulk_create(enrollments.values(), batch_size=BATCH)
    Enrollment.objects.update(created_at=F("enrolled_at"), updated_at=F("last_activity_at"))
    progress = [
        row
        for attendance in attendances
        for row in _progress(
            attendance,
            enrollments[attendance.learner, attendance.course.slug],
            catalogue.lessons[attendance.course.slug],
        )
    ]
    LessonProgress.objects.bulk_create(progress, batch_size=BATCH)
    _date_progress()
    _count_learning(attendances, progress, users)
    return enrollments


def _date_progress() -> None:
    """Give lessons the time of their completion, or of the last activity if only begun."""
    done = LessonProgress.objects.filter(is_completed=True)
    done.update(created_at=F("completed_at"), updated_at=F("completed_at"))
    enrollment = Enrollment.objects.filter(id=OuterRef("enrollment_id"))
    last = Subquery(enrollment.values("last_activity_at"))
    begun = LessonProgress.objects.filter(is_completed=False)
    begun.update(created_at=last, updated_at=last, reported_at=last)


def _enrollment(
    attendance: Attendance, users: Mapping[str, User], catalogue: Catalogue
) -> Enrollment:
    done, total = len(attendance.completions), len(attendance.course.lessons)
    source = Enrollment.Source.PURCHASE if attendance.course.price else Enrollment.Source.FREE
    return Enrollment(
        user=users[attendance.learner],
        course=catalogue.courses[attendance.course.slug],
        status=Enrollment.Status.REVOKED if attendance.is_revoked else Enrollment.Status.ACTIVE,
        source=source,
        enrolled_at=attendance.at,
        lessons_completed=done,
        total_lessons=total,
        progress_percent=done * 100 // total,
        is_completed=attendance.is_completed,
        completed_at=attendance.last_activity if attendance.is_completed else None,
        last_activity_at=attendance.last_activity,
    )


def _progress(
    attendance: Attendance, enrollment: Enrollment, lessons: list[Lesson]
) -> list[LessonProgress]:
    rows = [
        _watched(enrollment, lesson, lesson.duration_minutes * 60, completed_at=moment)
        for lesson, moment in zip(lessons, attendance.completions, strict=False)
    ]
    begun = lessons[len(rows) :][:1] if rows and not attendance.is_revoked else []
    return rows + [
        _watched(enrollment, lesson, round(lesson.duration_minutes * 60 * BEGUN))
        for lesson in begun
    ]


def _watched(
    enrollment: Enrollment, lesson: Lesson, seconds: int, completed_at: dt.datetime | None = None
) -> LessonProgress:
    return LessonProgress(
        enrollment=enrollment,
        lesson=lesson,
        is_completed=completed_at is not None,
        completed_at=completed_at,
        watch_time_seconds=seconds,
        position_seconds=seconds,
        credited_seconds=seconds,
    )


def _count_learning(
    attendances: list[Attendance], progress: list[LessonProgress], users: Mapping[str, User]
) -> None:
    """Write the days of learning, and the profiles' counters from the same facts."""
    seconds: dict[str, int] = defaultdict(int)
    for row in progress:
        seconds[row.enrollment.user.email] += row.credited_seconds
    moments: dict[str, list[dt.datetime]] = defaultdict(list)
    completed: dict[str, int] = defaultdict(int)
    for attendance in attendances:
        moments[attendance.learner] += attendance.completions
        completed[attendance.learner] += attendance.is_completed
    profiles = {row.user_id: row for row in UserProfile.objects.all()}
    days: list[LearningDay] = []
    for email, times in moments.items():
        profile = profiles[users[email].id]
        zone = ZoneInfo(profile.timezone)
        learned = sorted({moment.astimezone(zone).date() for moment in times})
        days += [LearningDay(user_id=profile.user_id, day=day) for day in learned]
        profile.total_seconds_learned = seconds[email]
        profile.courses_completed = completed[email]
        profile.certificates_earned = completed[email]
        profile.current_streak_days = count_streak(learned)
        profile.streak_day = learned[-1] if learned else None
        profile.last_activity = max(times, default=None)
    LearningDay.objects.bulk_create(days, batch_size=BATCH)
    UserProfile.objects.bulk_update(
        profiles.values(),
        ["total_seconds_learned", "courses_completed", "certificates_earned",
         "current_streak_days", "streak_day", "last_activity"],
        batch_size=BATCH,
    )  # fmt: skip


def count_streak(days: Iterable[dt.date]) -> int:
    """Return how many days in a row end with the last of the rising days."""
    backwards = sorted(days, reverse=True)
    if not backwards:
        return 0
    expected = (backwards[0] - dt.timedelta(days=back) for back in itertools.count())
    in_a_row = itertools.takewhile(
        lambda pair: pair[0] == pair[1], zip(backwards, expected, strict=False)
    )
    return len(list(in_a_row))
