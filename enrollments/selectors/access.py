"""Who has which course."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from enrollments.buying import is_being_paid
from enrollments.models import AccessHold, Enrollment, LessonProgress


@dataclass(frozen=True, kw_only=True)
class ViewerProgress:
    """How far one person is in one course, counted from the course as it is now.

    `status` is "active" or "suspended"; `progress_percent` is whole percent, rounded down.
    """

    enrollment_id: UUID
    status: str
    progress_percent: int
    lessons_completed: int
    total_lessons: int
    completed_lesson_ids: frozenset[UUID]


def has_access(*, user_id: UUID, course_id: UUID) -> bool:
    """Return whether the person may open every lesson: an active enrolment."""
    return Enrollment.objects.filter(
        user_id=user_id, course_id=course_id, status=Enrollment.Status.ACTIVE
    ).exists()


def enrolled_course_ids(*, user_id: UUID, course_ids: Collection[UUID] | None) -> set[UUID]:
    """Return those of `course_ids` (None: of all courses) in which the person is active."""
    rows = Enrollment.objects.filter(user_id=user_id, status=Enrollment.Status.ACTIVE)
    if course_ids is not None:
        rows = rows.filter(course_id__in=course_ids)
    return set(rows.values_list("course_id", flat=True))


def owned_course_ids(*, user_id: UUID, course_ids: Collection[UUID]) -> set[UUID]:
    """Return those of `course_ids` the person can't buy again: active or suspended."""
    rows = Enrollment.objects.owned().filter(user_id=user_id, course_id__in=course_ids)
    return set(rows.values_list("course_id", flat=True))


def owns_or_pays_for(*, user_id: UUID, course_id: UUID) -> bool:
    """Return whether the course is the person's, or will be once their money has come: either sees
    it, though it isn't on sale. One query, and another for what isn't theirs yet."""
    return bool(owned_course_ids(user_id=user_id, course_ids=[course_id])) or is_being_paid(
        user_id=user_id, course_id=course_id
    )


def withdrawn_course_ids(*, user_id: UUID, course_ids: Collection[UUID]) -> set[UUID]:
    """Return those of `course_ids` that staff took away from the person. One query."""
    held = AccessHold.objects.filter(
        enrollment__user_id=user_id,
        enrollment__course_id__in=course_ids,
        enrollment__status=Enrollment.Status.REVOKED,
        cause=AccessHold.Cause.STAFF,
        ended_at=None,
    )
    return set(held.values_list("enrollment__course_id", flat=True))


def get_viewer_progress(*, user_id: UUID, course_id: UUID) -> ViewerProgress | None:
    """Return the person's progress, or None without an active or suspended enrolment."""
    row = (
        Enrollment.objects.owned()
        .with_live_progress()
        .filter(user_id=user_id, course_id=course_id)
        .values("id", "status", "live_lessons", "live_completed")
        .first()
    )
    if row is None:
        return None
    completed = LessonProgress.objects.filter(
        enrollment_id=row["id"], is_completed=True, lesson__removed_at=None
    ).values_list("lesson_id", flat=True)
    return ViewerProgress(
        enrollment_id=row["id"],
        status=row["status"],
        progress_percent=percent(completed=row["live_completed"], total=row["live_lessons"]),
        lessons_completed=row["live_completed"],
        total_lessons=row["live_lessons"],
        completed_lesson_ids=frozenset(completed),
    )


def get_highest_progress(*, user_id: UUID, course_ids: Collection[UUID]) -> dict[UUID, int]:
    """Return how far the person ever was in each of the courses they were ever enrolled in, in
    whole percent: by the course as it is now, and as it was at any step of theirs. What is taken
    back, or added to the course later, lowers nothing; a course once completed is at 100. One
    query."""
    rows = (
        Enrollment.objects.with_live_progress()
        .filter(user_id=user_id, course_id__in=course_ids)
        .values(
            "course_id", "is_completed", "live_lessons", "live_completed", "progress_percent",
            "highest_progress_percent",
        )
    )  # fmt: skip
    return {row["course_id"]: _highest(row) for row in rows}


def _highest(row: Mapping[str, Any]) -> int:
    if row["is_completed"]:
        return 100
    live = percent(completed=row["live_completed"], total=row["live_lessons"])
    stored: int = max(row["progress_percent"], row["highest_progress_percent"])
    return max(live, stored)


def percent(*, completed: int, total: int) -> int:
    """Return whole percent, rounded down (contract "Learning"); 0 for a course without lessons."""
    return min(completed * 100 // total, 100) if total else 0
