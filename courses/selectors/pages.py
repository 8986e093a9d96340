"""Pages of published courses, each found by one statement."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypedDict

from django.conf import settings
from django.utils import timezone

from core.reads import Row, fetch_prepared, fetch_rows
from core.urls import media_url
from courses import rules
from courses.cache import Memory, generation
from courses.sql import listing

Cursor = tuple[Literal["after", "before"], tuple[str, ...]]

_counts: Memory[int] = Memory("counts")


class InstructorShown(TypedDict):
    """Who teaches, as a list shows it."""

    id: str
    first_name: str
    last_name: str


class CardShown(TypedDict):
    """A `CourseCard` as it goes out: ids are text, numbers floats."""

    id: str
    title: str
    slug: str
    instructor: InstructorShown
    thumbnail: str | None
    rating: float
    rating_count: int
    student_count: int
    duration_hours: float
    level: str
    price: float
    original_price: float | None
    discount_percent: int
    category: str | None
    is_bestseller: bool
    is_new: bool


@dataclass(frozen=True, kw_only=True)
class Filters:
    """Conditions by the names of `courses.sql.listing.CONDITIONS`, and an ordering."""

    values: Mapping[str, object] = field(default_factory=dict)
    ordering: str = "popular"


@dataclass(frozen=True, kw_only=True)
class CardPage:
    """The cards of a page; `first` and `last` are the keys that cursors before and after it
    carry, None for a page without any."""

    cards: list[CardShown]
    first: tuple[str, ...] | None
    last: tuple[str, ...] | None


def list_page(
    *, filters: Filters, limit: int, offset: int = 0, cursor: Cursor | None = None
) -> CardPage:
    """Return one page: from `offset` on, or next to the row that `cursor` names. One query.

    The cost of an offset grows with it; that of a cursor doesn't.
    """
    conditions = tuple(filters.values)
    direction, key = cursor or ("", ())
    query = listing.page(filters.ordering, conditions, cursor=direction)
    parameters = {
        **filters.values,
        **card_parameters(),
        **{f"key_{number}": value for number, value in enumerate(key)},
        "limit": limit,
        "offset": offset,
    }
    # Without filters, or on one shelf, the plan is the same for any values.
    is_plain = set(conditions) <= {"category", "category_id", "featured"}
    rows = (fetch_prepared if is_plain else fetch_rows)(query, parameters)
    length = len(listing.ORDERS[filters.ordering].columns)
    return CardPage(
        cards=[to_shown(row) for row in rows],
        first=rows[0][-length:] if rows else None,
        last=rows[-1][-length:] if rows else None,
    )


def count_courses(*, filters: Filters) -> int:
    """Return how many courses pass, exactly, as of at most `CATALOGUE_COUNT_SECONDS` ago. One query
    when it isn't remembered."""
    key = tuple(filters.values.items())
    known = _counts.find(key)
    if known is None:
        since = generation()
        query = listing.count(tuple(filters.values))
        ((known,),) = fetch_rows(query, filters.values)
        _counts.keep(key, known, seconds=settings.CATALOGUE_COUNT_SECONDS, since=since)
    return known


def card_parameters() -> dict[str, object]:
    """Return what `courses.sql.cards.CARD_COLUMNS` takes."""
    return {
        "bestseller_sales": rules.BESTSELLER_SALES,
        "new_since": timezone.now() - rules.NEW_FOR,
    }


def to_shown(row: Row) -> CardShown:
    """Return a row that begins with `courses.sql.cards.CARD_COLUMNS` as it goes out."""
    (
        id_, title, slug, instructor_id, first_name, last_name, thumbnail, rating, rating_count,
        student_count, hours, level, price, original_price, discount, category, is_bestseller,
        is_new, *_,
    ) = row  # fmt: skip
    return {
        "id": id_,
        "title": title,
        "slug": slug,
        "instructor": {"id": instructor_id, "first_name": first_name, "last_name": last_name},
        "thumbnail": media_url(thumbnail),
        "rating": rating,
        "rating_count": rating_count,
        "student_count": student_count,
        "duration_hours": hours,
        "level": level,
        "price": price,
        "original_price": original_price,
        "discount_percent": discount,
        "category": category,
        "is_bestseller": is_bestseller,
        "is_new": is_new,
    }
