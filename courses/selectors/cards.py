"""The row of a course list (plan 4.3), without what belongs to a viewer."""

import datetime as dt
import uuid
from collections.abc import Collection, Iterable
from decimal import Decimal
from typing import Any, TypedDict

from django.utils import timezone

from core.money import discount_percent
from core.urls import media_url
from courses import rules
from courses.models import Course


class InstructorName(TypedDict):
    """Who teaches, as a list shows it."""

    id: uuid.UUID
    first_name: str
    last_name: str


class CourseCard(TypedDict):
    """One course in a list. `thumbnail` is an absolute address; decimals are exact."""

    id: uuid.UUID
    title: str
    slug: str
    instructor: InstructorName
    thumbnail: str | None
    rating: Decimal
    rating_count: int
    student_count: int
    duration_hours: Decimal
    level: str
    price: Decimal
    original_price: Decimal | None
    discount_percent: int
    category: str | None
    is_bestseller: bool
    is_new: bool


CARD_COLUMNS = (
    "id", "title", "slug", "instructor_id", "instructor__first_name", "instructor__last_name",
    "thumbnail", "stats__rating", "stats__rating_count", "stats__student_count",
    "stats__sales_30_days", "duration_minutes", "level", "price", "original_price",
    "category__name", "published_at",
)  # fmt: skip


def list_cards(*, course_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, CourseCard]:
    """Return the cards by id, whatever the courses' status; unknown ones are missing. One query."""
    if not course_ids:
        return {}
    rows = Course.objects.filter(id__in=course_ids).values(*CARD_COLUMNS)
    return {card["id"]: card for card in to_cards(rows)}


def to_cards(rows: Iterable[dict[str, Any]]) -> list[CourseCard]:
    """Return rows of `CARD_COLUMNS` as cards, in their order."""
    now = timezone.now()
    return [_to_card(row, now) for row in rows]


def _to_card(row: dict[str, Any], now: dt.datetime) -> CourseCard:
    """Return one row of `CARD_COLUMNS` (or more) as a card, new or not as of `now`."""
    return {
        "id": row["id"],
        "title": row["title"],
        "slug": row["slug"],
        "instructor": {
            "id": row["instructor_id"],
            "first_name": row["instructor__first_name"],
            "last_name": row["instructor__last_name"],
        },
        "thumbnail": media_url(row["thumbnail"]),
        "rating": rules.round_rating(row["stats__rating"]),
        "rating_count": row["stats__rating_count"] or 0,
        "student_count": row["stats__student_count"] or 0,
        "duration_hours": rules.to_hours(row["duration_minutes"]),
        "level": row["level"],
        "price": row["price"],
        "original_price": row["original_price"],
        "discount_percent": discount_percent(row["price"], row["original_price"]),
        "category": row["category__name"],
        "is_bestseller": rules.is_bestseller(sales_30_days=row["stats__sales_30_days"]),
        "is_new": rules.is_new(published_at=row["published_at"], now=now),
    }
