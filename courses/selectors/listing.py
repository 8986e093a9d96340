"""Published courses in the orders of plan 4.3, and the shelves they stand on."""

import uuid
from typing import Any, TypedDict

from django.db.models import QuerySet

from core.ids import parse_id
from courses.errors import CategoryNotFound
from courses.models import Category, Course
from courses.selectors.cards import CARD_COLUMNS

# Each ends in the key, so that pages neither repeat nor skip a course.
ORDERINGS: dict[str, tuple[str, ...]] = {
    "popular": ("-stats__student_count", "-stats__pk"),
    "newest": ("-stats__published_at", "-stats__pk"),
    "rating": ("-stats__rating", "-stats__rating_count", "-stats__pk"),
    "price_low": ("stats__price", "stats__pk"),
    "price_high": ("-stats__price", "-stats__pk"),
}


class CategoryRow(TypedDict):
    """A shelf; `course_count` counts its published courses."""

    id: uuid.UUID
    name: str
    slug: str
    description: str
    icon: str
    course_count: int


_CATEGORY_COLUMNS = ("id", "name", "slug", "description", "icon", "course_count")


def list_published() -> QuerySet[Course, Any]:
    """Return published courses as rows for `to_cards`, the most popular first; filter and slice
    them. Reading them is one query."""
    # By the copy beside the counters, which the indexes of the orderings are of.
    published = Course.objects.filter(stats__is_listed=True)
    courses = published.order_by(*ORDERINGS["popular"])
    rows: QuerySet[Course, Any] = courses.values(*CARD_COLUMNS)
    return rows


def list_categories() -> QuerySet[Category, Any]:
    """Return the shelves in their order as `CategoryRow`s. One query."""
    categories = Category.objects.order_by("position", "name")
    rows: QuerySet[Category, Any] = categories.values(*_CATEGORY_COLUMNS)
    return rows


def find_category_id(*, reference: str) -> uuid.UUID:
    """Return the id of the category with this id or slug. Raises CategoryNotFound."""
    category_id = parse_id(reference)
    lookup = {"id": category_id} if category_id else {"slug": reference}
    found = Category.objects.filter(**lookup).values_list("id", flat=True).first()
    if found is None:
        raise CategoryNotFound
    return found
