"""The course list: one statement for a page, one for its count every few seconds."""

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import orjson

from benchmarks.floor import sql
from benchmarks.floor.counts import remember_count
from benchmarks.floor.database import Row, fetch, fetch_one
from benchmarks.floor.errors import InvalidError, NotFoundError

_PAGE_SIZE = 20
_LARGEST_PAGE = 100
_LEVELS = frozenset({"beginner", "intermediate", "advanced"})

_BASE = os.environ.get("API_BASE_URL", "")
MEDIA = f"{_BASE}/media/"


def list_courses(query: dict[str, str], viewer: str | None) -> bytes:
    """Return the body of `GET /api/v1/courses/`. Raises InvalidError and NotFoundError."""
    ordering = query.get("ordering", "popular")
    if ordering not in sql.ORDERINGS:
        raise InvalidError
    number, size = _read_page(query)
    conditions, parameters = _read_filters(query)
    count = remember_count(
        (*conditions, *parameters.values()), lambda: _count(conditions, parameters)
    )
    pages = -(-count // size) or 1
    if number > pages:
        raise NotFoundError
    rows = fetch(
        sql.page(ordering, conditions, size, with_flags=viewer is not None),
        {**parameters, "offset": (number - 1) * size, "viewer": viewer},
        planned=not conditions,
    )
    return orjson.dumps(
        {
            "count": count,
            "next": _link(query, number + 1) if number < pages else None,
            "previous": _link(query, number - 1) if number > 1 else None,
            "total_pages": pages,
            "current_page": number,
            "results": [to_card(row) for row in rows],
        }
    )


def to_card(row: Row) -> dict[str, Any]:
    """Return a row of `sql.CARD` as the list shows it."""
    (
        id_, title, slug, instructor_id, first_name, last_name, thumbnail, rating, rating_count,
        student_count, hours, level, price, original_price, discount, category, is_bestseller,
        is_new, enrolled, in_cart, in_wishlist,
    ) = row  # fmt: skip
    return {
        "id": id_,
        "title": title,
        "slug": slug,
        "instructor": {"id": instructor_id, "first_name": first_name, "last_name": last_name},
        "thumbnail": MEDIA + thumbnail if thumbnail else None,
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
        "enrolled": enrolled,
        "in_cart": in_cart,
        "in_wishlist": in_wishlist,
    }


def _count(conditions: tuple[str, ...], parameters: Mapping[str, object]) -> int:
    row = fetch_one(sql.count(conditions), parameters, planned=not conditions)
    return int(row[0]) if row else 0


def _read_page(query: dict[str, str]) -> tuple[int, int]:
    number, size = query.get("page", "1"), query.get("page_size", str(_PAGE_SIZE))
    if not (number.isdigit() and size.isdigit() and int(number) and int(size)):
        raise InvalidError
    return int(number), min(int(size), _LARGEST_PAGE)


def _read_filters(query: dict[str, str]) -> tuple[tuple[str, ...], dict[str, object]]:
    names = tuple(name for name in sql.FILTERS if query.get(name))
    values: dict[str, object] = {name: query[name] for name in names}
    if values.get("level", "beginner") not in _LEVELS:
        raise InvalidError
    return names, values


def _link(query: dict[str, str], page: int) -> str:
    rest = {name: value for name, value in query.items() if name != "page"}
    if page > 1:
        rest["page"] = str(page)
    address = f"{_BASE}/api/v1/courses/"
    return f"{address}?{urlencode(sorted(rest.items()))}" if rest else address
