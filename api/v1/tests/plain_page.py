"""The page of a course as the ORM reads it, model by model: what the hand-written statement is held
to."""

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any, TypedDict

from django.db.models import Count, Sum
from django.db.models.functions import Coalesce

from api.v1.catalogue.pages import with_flags
from cart import selectors as cart_selectors
from cart.selectors import Obstacle
from core.urls import media_url
from courses import rules
from courses.errors import CourseNotFound
from courses.models import Course, CourseStats
from courses.permissions import Viewer, is_in_charge, may_see_course
from courses.selectors import (
    CourseFacts,
    LessonRow,
    SectionRow,
    get_courses_for_sale,
    get_curriculum,
)
from courses.selectors.cards import CARD_COLUMNS, CourseCard, to_cards
from courses.selectors.lookup import reference_filter
from enrollments import selectors as enrollment_selectors
from enrollments.buying import is_being_paid
from enrollments.selectors import ViewerProgress
from reviews import selectors as review_selectors
from users.models import User


class InstructorProfile(TypedDict):
    """A teacher over all published courses; `rating` is the mean of all their ratings."""

    bio: str
    profile_picture: str | None
    courses_count: int
    students_count: int
    rating: Decimal


class CourseDetail(TypedDict):
    """A course without what belongs to a viewer. Lessons carry their media: a gate comes above."""

    facts: CourseFacts
    card: CourseCard
    description: str
    short_description: str
    instructor_profile: InstructorProfile
    preview_video_url: str | None
    review_count: int
    distribution: dict[str, int]
    language: str
    last_updated: dt.datetime
    published_at: dt.datetime | None
    outcomes: list[str]
    requirements: list[str]
    curriculum: list[SectionRow]


_STARS = [f"stats__rating_{stars}" for stars in CourseStats.STARS]


def get_course_detail(*, reference: str) -> CourseDetail:
    """Return the course with this id or slug, published or not. Raises CourseNotFound.

    Four queries whatever its size: the course, its sections, its lessons, its instructor's sums.
    """
    row = (
        Course.objects.filter(**reference_filter(reference))
        .values(
            *CARD_COLUMNS, *_STARS, "description", "short_description", "preview_video_url",
            "language", "last_updated", "outcomes", "requirements", "status", "is_published",
            "category_id", "stats__review_count", "instructor__profile__bio",
            "instructor__profile__profile_picture",
        )
        .first()
    )  # fmt: skip
    if row is None:
        raise CourseNotFound
    return _to_detail(dict(row))


def _to_detail(row: dict[str, Any]) -> CourseDetail:
    return {
        "facts": CourseFacts(
            id=row["id"],
            title=row["title"],
            category_id=row["category_id"],
            instructor_id=row["instructor_id"],
            status=row["status"],
            is_published=row["is_published"],
        ),
        "card": to_cards([row])[0],
        "description": row["description"],
        "short_description": row["short_description"],
        "instructor_profile": _get_instructor_profile(row),
        "preview_video_url": row["preview_video_url"] or None,
        "review_count": row["stats__review_count"] or 0,
        "distribution": {
            str(stars): row[f"stats__rating_{stars}"] or 0 for stars in reversed(CourseStats.STARS)
        },
        "language": row["language"],
        "last_updated": row["last_updated"],
        "published_at": row["published_at"],
        "outcomes": row["outcomes"],
        "requirements": row["requirements"],
        "curriculum": get_curriculum(course_id=row["id"]),
    }


def _get_instructor_profile(row: dict[str, Any]) -> InstructorProfile:
    sums = Course.objects.filter(instructor_id=row["instructor_id"], is_published=True).aggregate(
        courses=Count("id"),
        students=Coalesce(Sum("stats__student_count"), 0),
        stars=Coalesce(Sum("stats__rating_sum"), 0),
        ratings=Coalesce(Sum("stats__rating_count"), 0),
    )
    mean = Decimal(sums["stars"]) / sums["ratings"] if sums["ratings"] else None
    return {
        "bio": row["instructor__profile__bio"] or "",
        "profile_picture": media_url(row["instructor__profile__profile_picture"]),
        "courses_count": sums["courses"],
        "students_count": sums["students"],
        "rating": rules.round_rating(mean),
    }


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


def get_plain_page(*, reference: str, viewer: Viewer) -> dict[str, Any]:
    """Return the page of the course with this id or slug. Raises CourseNotFound, also for an
    unpublished one that isn't the viewer's to see.

    Five queries for an anonymous viewer; at most five more for one who is signed in, whatever the
    size of the curriculum.
    """
    detail = get_course_detail(reference=reference)
    course = detail["facts"]
    progress = _get_progress(viewer, course.id)
    if not may_see_course(
        course=course,
        viewer=viewer,
        is_theirs=lambda: progress is not None or _is_paying(viewer, course.id),
    ):
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
        "lessons_count": sum(len(section.lessons) for section in detail["curriculum"]),
        "curriculum_next": None,
        "reviews": _show_reviews(detail),
        "progress": _show_progress(progress) if progress and is_learning else None,
        "viewer": _show_viewer(viewer, course.id),
    }


def _show_viewer(viewer: Viewer, course_id: uuid.UUID) -> dict[str, Any]:
    courses = get_courses_for_sale(course_ids=[course_id])
    if isinstance(viewer, User):
        user_id = viewer.id
        found = cart_selectors.find_obstacles(
            user_id=user_id,
            course_ids=[course_id],
            courses=courses,
            in_progress=[course_id] if _is_paying(viewer, course_id) else [],
        ).get(course_id)
    else:
        found = None if courses[course_id].is_on_sale else Obstacle.NOT_FOR_SALE
    reason = found.value.lower() if found else None
    return {"can_buy": reason is None, "reason": reason}


def _is_paying(viewer: Viewer, course_id: uuid.UUID) -> bool:
    return isinstance(viewer, User) and is_being_paid(user_id=viewer.id, course_id=course_id)


def _get_progress(viewer: Viewer, course_id: uuid.UUID) -> ViewerProgress | None:
    if not isinstance(viewer, User):
        return None
    return enrollment_selectors.get_viewer_progress(user_id=viewer.id, course_id=course_id)


def _show_course(detail: CourseDetail, row: dict[str, Any]) -> dict[str, Any]:
    return {
        **row,
        "thumbnails": _show_sizes(row["thumbnail"] or ""),
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


def _show_sizes(url: str) -> dict[str, str]:
    if "/course_thumbnails/sized/" not in url:
        return {}
    return {width: url.replace("-1280.", f"-{width}.") for width in ("320", "640", "1280")}


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
