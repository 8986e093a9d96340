"""Courses as their instructors see them: drafts included, with what publishing still needs."""

import datetime as dt
import uuid
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, TypedDict

from django.db.models import (
    Count,
    IntegerField,
    OuterRef,
    QuerySet,
    Subquery,
    Sum,
    TextField,
    Value,
)
from django.db.models.functions import Coalesce

from core.money import discount_percent
from core.urls import media_url
from courses import rules
from courses.authors import Author, require_author, require_in_charge
from courses.errors import CourseNotFound
from courses.media import thumbnail_urls
from courses.models import Course, CourseSubmission, Curriculum
from courses.selectors.lookup import reference_filter


class OwnCourseRow(TypedDict):
    """A course in its instructor's list. `price` is None until the instructor names one;
    `review_note` is what staff wrote when they last decided about it, "" for nothing."""

    id: uuid.UUID
    title: str
    slug: str
    status: str
    is_published: bool
    category: str | None
    thumbnail: str | None
    level: str
    language: str
    price: Decimal | None
    original_price: Decimal | None
    discount_percent: int
    duration_hours: Decimal
    total_sections: int
    total_lessons: int
    student_count: int
    rating: Decimal
    rating_count: int
    review_count: int
    review_note: str
    published_at: dt.datetime | None
    last_updated: dt.datetime
    created_at: dt.datetime


class OwnCourse(OwnCourseRow):
    """One course with everything its instructor wrote. `missing` is what publishing needs yet."""

    instructor: dict[str, Any]
    category_id: uuid.UUID | None
    category_slug: str | None
    thumbnails: dict[str, str]
    description: str
    short_description: str
    preview_video_url: str | None
    outcomes: list[str]
    requirements: list[str]
    missing: list[str]


_ROW = (
    "id", "title", "slug", "status", "is_published", "category__name", "thumbnail", "level",
    "language", "price", "is_priced", "original_price", "duration_minutes", "stats__student_count",
    "stats__rating", "stats__rating_count", "stats__review_count", "published_at", "last_updated",
    "created_at",
)  # fmt: skip
_FACTS = ("total_sections", "total_lessons", "review_note")
_WHOLE = (
    "instructor_id", "instructor__first_name", "instructor__last_name", "category_id",
    "category__slug", "description", "short_description", "preview_video_url", "outcomes",
    "requirements",
)  # fmt: skip


def list_own_courses(*, author: Author) -> QuerySet[Course, Any]:
    """Return the courses the author teaches, the one last changed first, as rows for
    `to_own_course_rows`. Reading them is one query. Raises InstructorRequired."""
    require_author(author=author)
    courses = Course.objects.filter(instructor_id=author.id)
    ordered = _with_facts(courses).order_by("-last_updated", "-id")
    rows: QuerySet[Course, Any] = ordered.values(*_ROW, *_FACTS)
    return rows


def to_own_course_rows(rows: Iterable[dict[str, Any]]) -> list[OwnCourseRow]:
    """Return rows of `list_own_courses` as the list shows them, in their order."""
    return [_to_row(row) for row in rows]


def get_own_course(*, author: Author, reference: str) -> OwnCourse:
    """Return the course with this id or slug. One query.

    Raises InstructorRequired, CourseNotFound or NotCourseInstructor.
    """
    require_author(author=author)
    courses = Course.objects.filter(**reference_filter(reference))
    row = _with_facts(courses).values(*_ROW, *_FACTS, *_WHOLE).first()
    if row is None:
        raise CourseNotFound
    require_in_charge(
        author=author, instructor_id=row["instructor_id"], is_published=row["is_published"]
    )
    return _to_whole(row)


def _with_facts(courses: QuerySet[Course]) -> QuerySet[Course, Any]:
    """Annotate how much there is in the course, and what staff said of it last."""
    sections = Curriculum.objects.filter(course=OuterRef("pk")).order_by().values("course")
    decided = CourseSubmission.objects.filter(course=OuterRef("pk"), decided_at__isnull=False)
    note = decided.order_by("-decided_at").values("note")[:1]
    return courses.annotate(
        total_sections=_one(sections.annotate(value=Count("id")).values("value")),
        total_lessons=_one(sections.annotate(value=Sum("total_lessons")).values("value")),
        review_note=Coalesce(Subquery(note, TextField()), Value("", TextField())),
    )


def _one(rows: QuerySet[Curriculum, Any]) -> Coalesce:
    return Coalesce(Subquery(rows, IntegerField()), 0)


def _to_row(row: dict[str, Any]) -> OwnCourseRow:
    return {
        "id": row["id"],
        "title": row["title"],
        "slug": row["slug"],
        "status": row["status"],
        "is_published": row["is_published"],
        "category": row["category__name"],
        "thumbnail": media_url(row["thumbnail"]),
        "level": row["level"],
        "language": row["language"],
        "price": row["price"] if row["is_priced"] else None,
        "original_price": row["original_price"],
        "discount_percent": discount_percent(row["price"], row["original_price"]),
        "duration_hours": rules.to_hours(row["duration_minutes"]),
        "total_sections": row["total_sections"],
        "total_lessons": row["total_lessons"],
        "student_count": row["stats__student_count"] or 0,
        "rating": rules.round_rating(row["stats__rating"]),
        "rating_count": row["stats__rating_count"] or 0,
        "review_count": row["stats__review_count"] or 0,
        "review_note": row["review_note"],
        "published_at": row["published_at"],
        "last_updated": row["last_updated"],
        "created_at": row["created_at"],
    }


def _to_whole(row: dict[str, Any]) -> OwnCourse:
    return {
        **_to_row(row),
        "instructor": {
            "id": row["instructor_id"],
            "first_name": row["instructor__first_name"],
            "last_name": row["instructor__last_name"],
        },
        "category_id": row["category_id"],
        "category_slug": row["category__slug"],
        "thumbnails": thumbnail_urls(row["thumbnail"]),
        "description": row["description"],
        "short_description": row["short_description"],
        "preview_video_url": row["preview_video_url"] or None,
        "outcomes": row["outcomes"],
        "requirements": row["requirements"],
        "missing": rules.list_missing(
            title=row["title"],
            description=row["description"],
            category_id=row["category_id"],
            is_priced=row["is_priced"] and rules.find_charge_fault(price=row["price"]) is None,
            lessons=row["total_lessons"],
        ),
    }
