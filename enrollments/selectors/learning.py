"""A learner's own courses: the list, one in detail, and where to go on. Progress is always counted
from the course as it is now; a revoked enrolment is nobody's any more and appears nowhere."""

import datetime as dt
from collections.abc import Collection, Iterable
from decimal import Decimal
from typing import Any, Literal, TypedDict
from uuid import UUID

from django.db.models import Count, F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.urls import reverse

from core.urls import absolute, media_url
from courses import rules
from courses.models import Lesson
from courses.selectors import SectionRow, get_curriculum
from enrollments.errors import EnrollmentNotFound
from enrollments.models import Enrollment, LessonProgress
from enrollments.selectors.access import percent

CONTINUE_LIMIT = 10

StatusFilter = Literal["active", "completed"]


class EnrollmentCourse(TypedDict):
    """The course as the list shows it; `thumbnail` is an absolute address."""

    id: UUID
    title: str
    slug: str
    thumbnail: str | None
    duration_hours: Decimal


class EnrollmentRow(TypedDict):
    """One of a person's courses (plan 4.7). `is_suspended`: listed, and its lessons are closed."""

    id: UUID
    course: EnrollmentCourse
    progress_percent: int
    lessons_completed: int
    total_lessons: int
    enrolled_at: dt.datetime
    is_completed: bool
    completed_at: dt.datetime | None
    last_activity_at: dt.datetime | None
    is_suspended: bool
    certificate_url: str | None


class UnfinishedRow(TypedDict):
    """A course to go on with (plan 4.8)."""

    enrollment_id: UUID
    course: dict[str, Any]
    progress_percent: int
    lessons_completed: int
    total_lessons: int
    current_lesson: dict[str, Any] | None


_COLUMNS = (
    "id", "status", "enrolled_at", "is_completed", "completed_at", "last_activity_at",
    "live_lessons", "live_completed", "course_id", "course__title", "course__slug",
    "course__thumbnail", "course__duration_minutes", "certificate__serial", "certificate__file",
    "certificate__revoked_at",
)  # fmt: skip
_INSTRUCTOR = (
    "course__instructor_id",
    "course__instructor__first_name",
    "course__instructor__last_name",
)


def list_enrollments(*, user_id: UUID, status: StatusFilter | None) -> QuerySet[Enrollment, Any]:
    """Return the person's courses, latest first, as a page takes them; see `to_enrollment_rows`.

    "completed" are those completed once, "active" all others.
    """
    rows = Enrollment.objects.owned().filter(user_id=user_id)
    if status is not None:
        rows = rows.filter(is_completed=status == "completed")
    page: QuerySet[Enrollment, Any] = (
        rows.with_live_progress().order_by("-enrolled_at", "-id").values(*_COLUMNS)
    )
    return page


def to_enrollment_rows(rows: Iterable[dict[str, Any]]) -> list[EnrollmentRow]:
    """Return rows of `list_enrollments` as the list shows them, in their order."""
    return [_to_row(row) for row in rows]


def get_enrollment(*, user_id: UUID, enrollment_id: UUID) -> dict[str, Any]:
    """Return one of the person's courses with its curriculum (plan 4.7). Four queries.

    Raises EnrollmentNotFound when it is unknown, revoked, or somebody else's.
    """
    row = (
        Enrollment.objects.owned()
        .filter(id=enrollment_id, user_id=user_id)
        .with_live_progress()
        .values(*_COLUMNS, *_INSTRUCTOR)
        .first()
    )
    if row is None:
        raise EnrollmentNotFound
    course = {
        **_to_row(row)["course"],
        "instructor": {
            "id": row["course__instructor_id"],
            "first_name": row["course__instructor__first_name"],
            "last_name": row["course__instructor__last_name"],
        },
        "curriculum": _list_sections(enrollment_id, row["course_id"]),
    }
    return {**_to_row(row), "course": course}


def list_unfinished(*, user_id: UUID, limit: int = CONTINUE_LIMIT) -> list[UnfinishedRow]:
    """Return the courses to go on with, the last one touched first. Two queries.

    `current_lesson` is the first lesson not completed, None in a course without lessons.
    """
    rows = list(
        Enrollment.objects.filter(
            user_id=user_id, status=Enrollment.Status.ACTIVE, is_completed=False
        )
        .with_live_progress()
        .annotate(
            touched_at=Coalesce("last_activity_at", "enrolled_at"),
            current_lesson_id=Subquery(_next_lessons().values("id")[:1]),
        )
        .order_by("-touched_at", "-id")
        .values(*_COLUMNS, *_INSTRUCTOR, "current_lesson_id")[:limit]
    )
    ids = [row["current_lesson_id"] for row in rows if row["current_lesson_id"]]
    lessons: dict[UUID, dict[str, Any]] = {
        lesson["id"]: {**lesson}
        for lesson in Lesson.objects.filter(id__in=ids).values("id", "title", "order")
    }
    return [_to_unfinished(row, lessons) for row in rows]


def count_enrollments(*, user_id: UUID) -> int:
    """Return how many courses the person has, suspended ones included."""
    return Enrollment.objects.owned().filter(user_id=user_id).count()


def count_students(course_ids: Collection[UUID]) -> dict[UUID, dict[str, int]]:
    """Return what `CourseStats` should say of the courses' students: active enrolments. Courses
    without any are missing."""
    rows = (
        Enrollment.objects.filter(course_id__in=course_ids, status=Enrollment.Status.ACTIVE)
        .order_by()
        .values("course_id")
        .annotate(students=Count("id"))
    )
    return {row["course_id"]: {"student_count": row["students"]} for row in rows}


def _to_row(row: dict[str, Any]) -> EnrollmentRow:
    return {
        "id": row["id"],
        "course": {
            "id": row["course_id"],
            "title": row["course__title"],
            "slug": row["course__slug"],
            "thumbnail": media_url(row["course__thumbnail"]),
            "duration_hours": rules.to_hours(row["course__duration_minutes"]),
        },
        "progress_percent": percent(completed=row["live_completed"], total=row["live_lessons"]),
        "lessons_completed": row["live_completed"],
        "total_lessons": row["live_lessons"],
        "enrolled_at": row["enrolled_at"],
        "is_completed": row["is_completed"],
        "completed_at": row["completed_at"],
        "last_activity_at": row["last_activity_at"],
        "is_suspended": row["status"] == Enrollment.Status.SUSPENDED,
        "certificate_url": _certificate_url(row),
    }


def _certificate_url(row: dict[str, Any]) -> str | None:
    """Return where to download the certificate, once there is a file and while it is valid."""
    if not row["certificate__file"] or row["certificate__revoked_at"] is not None:
        return None
    return download_url(serial=row["certificate__serial"])


def download_url(*, serial: str) -> str:
    """Return the absolute address of the certificate's file."""
    return absolute(reverse("certificate-download", kwargs={"serial": serial}))


def _list_sections(enrollment_id: UUID, course_id: UUID) -> list[dict[str, Any]]:
    progress: dict[UUID, dict[str, Any]] = {
        row["lesson_id"]: {**row}
        for row in LessonProgress.objects.filter(enrollment_id=enrollment_id).values(
            "lesson_id", "is_completed", "watch_time_seconds", "position_seconds"
        )
    }
    return [_to_section(section, progress) for section in get_curriculum(course_id=course_id)]


def _to_section(section: SectionRow, progress: dict[UUID, dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": section.id,
        "title": section.title,
        "description": section.description,
        "order": section.order,
        "total_lessons": section.total_lessons,
        "total_duration_minutes": section.total_duration_minutes,
        "lessons": [
            {
                "id": lesson.id,
                "title": lesson.title,
                "duration_minutes": lesson.duration_minutes,
                "order": lesson.order,
                "is_preview": lesson.is_preview,
                "completed": progress.get(lesson.id, {}).get("is_completed", False),
                "watch_time_seconds": progress.get(lesson.id, {}).get("watch_time_seconds", 0),
                "position_seconds": progress.get(lesson.id, {}).get("position_seconds", 0),
            }
            for lesson in section.lessons
        ],
    }


def _next_lessons() -> QuerySet[Lesson]:
    """The live lessons an enrolment hasn't completed, in the order in which they are learned."""
    completed = LessonProgress.objects.filter(
        enrollment=OuterRef(OuterRef("pk")), is_completed=True
    ).values("lesson_id")
    return (
        Lesson.objects.filter(curriculum__course=OuterRef("course_id"), removed_at=None)
        .exclude(id__in=completed)
        .order_by(F("curriculum__order"), F("curriculum_id"), "order", "id")
    )


def _to_unfinished(row: dict[str, Any], lessons: dict[UUID, dict[str, Any]]) -> UnfinishedRow:
    names = (row["course__instructor__first_name"], row["course__instructor__last_name"])
    return {
        "enrollment_id": row["id"],
        "course": {
            "id": row["course_id"],
            "title": row["course__title"],
            "slug": row["course__slug"],
            "thumbnail": media_url(row["course__thumbnail"]),
            "instructor": " ".join(names).strip(),
        },
        "progress_percent": percent(completed=row["live_completed"], total=row["live_lessons"]),
        "lessons_completed": row["live_completed"],
        "total_lessons": row["live_lessons"],
        "current_lesson": lessons.get(row["current_lesson_id"]),
    }
