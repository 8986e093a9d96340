"""The page of one course (plan 4.3), for one viewer."""

import uuid
from typing import Any, TypedDict

from api.v1.catalogue.pages import with_flags
from courses import selectors as course_selectors
from courses.errors import CourseNotFound
from courses.permissions import Viewer, is_in_charge, may_see_course
from courses.selectors import CourseDetail, LessonRow, SectionRow
from enrollments import selectors as enrollment_selectors
from enrollments.selectors import ViewerProgress
from reviews import selectors as review_selectors
from users.models import User


class LessonShown(TypedDict):
    """A lesson on the page; its media are None unless it is open to the viewer."""

    id: uuid.UUID
    title: str
    description: str
    duration_minutes: int
    order: int
    is_preview: bool
    video_url: str | None
    resources: list[dict[str, str]] | None
    completed: bool


def get_course_page(*, reference: str, viewer: Viewer) -> dict[str, Any]:
    """Return the page of the course with this id or slug. Raises CourseNotFound, also for an
    unpublished one that isn't the viewer's to see.

    Five queries for an anonymous viewer; at most five more for one who is signed in, whatever the
    size of the curriculum.
    """
    detail = course_selectors.get_course_detail(reference=reference)
    course = detail["facts"]
    progress = _get_progress(viewer, course.id)
    if not may_see_course(course=course, viewer=viewer, is_enrolled=lambda: progress is not None):
        raise CourseNotFound
    is_learning = progress is not None and progress.status == "active"
    is_open = is_learning or is_in_charge(course=course, viewer=viewer)
    (row,) = with_flags([detail["card"]], viewer=viewer)
    return {
        **_show_course(detail, row),
        "curriculum": [
            _show_section(section, is_open, progress if is_learning else None)
            for section in detail["curriculum"]
        ],
        "reviews": _show_reviews(detail),
        "progress": _show_progress(progress) if progress and is_learning else None,
    }


def _get_progress(viewer: Viewer, course_id: uuid.UUID) -> ViewerProgress | None:
    if not isinstance(viewer, User):
        return None
    return enrollment_selectors.get_viewer_progress(user_id=viewer.id, course_id=course_id)


def _show_course(detail: CourseDetail, row: dict[str, Any]) -> dict[str, Any]:
    return {
        **row,
        "instructor": {**row["instructor"], "profile": detail["instructor_profile"]},
        "description": detail["description"],
        "short_description": detail["short_description"],
        "preview_video_url": detail["preview_video_url"],
        "review_count": detail["review_count"],
        "language": detail["language"],
        "last_updated": detail["last_updated"],
        "published_at": detail["published_at"],
        "is_published": detail["facts"].is_published,
        "outcomes": detail["outcomes"],
        "requirements": detail["requirements"],
    }


def _show_section(
    section: SectionRow, is_open: bool, progress: ViewerProgress | None
) -> dict[str, Any]:
    completed = progress.completed_lesson_ids if progress else frozenset()
    return {
        "id": section.id,
        "title": section.title,
        "description": section.description,
        "order": section.order,
        "total_lessons": section.total_lessons,
        "total_duration_minutes": section.total_duration_minutes,
        "lessons": [
            _show_lesson(lesson, is_open, lesson.id in completed) for lesson in section.lessons
        ],
    }


def _show_lesson(lesson: LessonRow, is_open: bool, is_completed: bool) -> LessonShown:
    shows_media = is_open or lesson.is_preview
    return {
        "id": lesson.id,
        "title": lesson.title,
        "description": lesson.description,
        "duration_minutes": lesson.duration_minutes,
        "order": lesson.order,
        "is_preview": lesson.is_preview,
        "video_url": (lesson.video_url or None) if shows_media else None,
        "resources": lesson.resources if shows_media else None,
        "completed": is_completed,
    }


def _show_reviews(detail: CourseDetail) -> dict[str, Any]:
    card = detail["card"]
    return {
        "count": card["rating_count"],
        "rating": card["rating"],
        "distribution": detail["distribution"],
        "recent": review_selectors.list_recent_reviews(course_id=card["id"]),
    }


def _show_progress(progress: ViewerProgress) -> dict[str, Any]:
    return {
        "enrollment_id": progress.enrollment_id,
        "progress_percent": progress.progress_percent,
        "lessons_completed": progress.lessons_completed,
        "total_lessons": progress.total_lessons,
    }
