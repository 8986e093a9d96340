"""The public part of the page of one course (plan 4.3)."""

import datetime as dt
from decimal import Decimal
from typing import Any, TypedDict

from django.db.models import Count, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from core.urls import media_url
from courses import rules
from courses.errors import CourseNotFound
from courses.models import Course, CourseStats
from courses.selectors.cards import CARD_COLUMNS, CourseCard, to_card
from courses.selectors.curriculum import SectionRow, get_curriculum
from courses.selectors.lookup import CourseFacts, reference_filter


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
        "card": to_card(row, timezone.now()),
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
