"""Reads of reviews."""

import datetime as dt
import uuid
from collections.abc import Collection
from decimal import Decimal
from typing import Any, TypedDict

from django.db.models import Avg, Count, Q, QuerySet, Sum
from django.utils import timezone

from core.urls import media_url
from courses.models import CourseStats
from reviews.models import Review

# Each ends in the key, so that pages neither repeat nor skip a review.
ORDERINGS: dict[str, tuple[str, ...]] = {
    "-created_at": ("-created_at", "-id"),
    "created_at": ("created_at", "id"),
    "-helpful_count": ("-helpful_count", "-id"),
    "helpful_count": ("helpful_count", "-id"),
    "-rating": ("-rating", "-created_at", "-id"),
    "rating": ("rating", "-created_at", "-id"),
}


class RecentReview(TypedDict):
    """A review on the page of its course (plan 4.3). `date` is for people: "2 days ago"."""

    id: uuid.UUID
    author: str
    avatar: str | None
    rating: int
    date: str
    comment: str
    helpful_count: int


class ReviewAuthor(TypedDict):
    """Who wrote it."""

    id: uuid.UUID
    first_name: str
    last_name: str
    avatar: str | None


class ReviewRow(TypedDict):
    """A review in the list of a course's reviews."""

    id: uuid.UUID
    author: ReviewAuthor
    rating: int
    title: str
    comment: str
    helpful_count: int
    created_at: dt.datetime


_AUTHOR_COLUMNS = (
    "user_id", "user__first_name", "user__last_name", "user__profile__profile_picture",
)  # fmt: skip
_COLUMNS = ("id", "rating", "title", "comment", "helpful_count", "created_at", *_AUTHOR_COLUMNS)


def list_course_reviews(*, course_id: uuid.UUID) -> QuerySet[Review, Any]:
    """Return the course's reviews as rows for `to_review_rows`, newest first; filter, order and
    slice them. Reading them is one query."""
    reviews = Review.objects.filter(course_id=course_id).order_by(*ORDERINGS["-created_at"])
    rows: QuerySet[Review, Any] = reviews.values(*_COLUMNS)
    return rows


def to_review_rows(rows: Collection[dict[str, Any]]) -> list[ReviewRow]:
    """Return rows of `list_course_reviews` as the API shows them."""
    return [
        {
            "id": row["id"],
            "author": {
                "id": row["user_id"],
                "first_name": row["user__first_name"],
                "last_name": row["user__last_name"],
                "avatar": media_url(row["user__profile__profile_picture"]),
            },
            "rating": row["rating"],
            "title": row["title"],
            "comment": row["comment"],
            "helpful_count": row["helpful_count"],
            "created_at": row["created_at"],
        }
        for row in rows
    ]


def list_recent_reviews(*, course_id: uuid.UUID, limit: int = 5) -> list[RecentReview]:
    """Return the course's latest reviews. One query."""
    now = timezone.now()
    return [
        {
            "id": row["id"],
            "author": f"{row['user__first_name']} {row['user__last_name']}".strip(),
            "avatar": media_url(row["user__profile__profile_picture"]),
            "rating": row["rating"],
            "date": tell_age(row["created_at"], now=now),
            "comment": row["comment"],
            "helpful_count": row["helpful_count"],
        }
        for row in list_course_reviews(course_id=course_id)[:limit]
    ]


def average_rating_given(*, user_id: uuid.UUID) -> Decimal | None:
    """Return the mean of the stars this person gave; None when they gave none."""
    mean = Review.objects.filter(user_id=user_id).aggregate(mean=Avg("rating"))["mean"]
    return None if mean is None else Decimal(str(mean))


def count_ratings(course_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, dict[str, int]]:
    """Return what `CourseStats` should say of the courses' ratings; unrated ones are missing."""
    stars = {
        f"rating_{number}": Count("id", filter=Q(rating=number)) for number in CourseStats.STARS
    }
    rows: QuerySet[Review, Any] = (
        Review.objects.filter(course_id__in=course_ids)
        .order_by()
        .values("course_id")
        .annotate(
            rating_count=Count("id"),
            rating_sum=Sum("rating"),
            review_count=Count("id", filter=~Q(comment="") | ~Q(title="")),
            **stars,
        )
    )
    return {row.pop("course_id"): row for row in rows}


_LENGTHS = (("week", 604_800), ("day", 86_400), ("hour", 3_600), ("minute", 60))


def tell_age(moment: dt.datetime, *, now: dt.datetime) -> str:
    """Return how long ago it was in one unit: "2 days ago", "just now" within a minute.

    The unit and its number are those of Django's `timesince`, months and years by the calendar.
    That works out all units, which took a fifth of the Python of a course's page.
    """
    seconds = int((now - moment).total_seconds())
    if seconds < 60:
        return "just now"
    months = (now.year - moment.year) * 12 + now.month - moment.month
    if (moment.day, moment.time()) > (now.day, now.time()):
        months -= 1
    if months >= 12:
        return _ago(months // 12, "year")
    if months > 0:
        return _ago(months, "month")
    return next(_ago(seconds // length, unit) for unit, length in _LENGTHS if seconds >= length)


def _ago(number: int, unit: str) -> str:
    return f"{number} {unit}{'' if number == 1 else 's'} ago"
