"""The counts beside the filters of a list."""

from collections import defaultdict
from decimal import Decimal
from typing import Any, TypedDict

from django.conf import settings

from core.reads import fetch_rows
from courses.cache import Memory, generation
from courses.models import Category, Course
from courses.selectors.pages import Filters
from courses.sql import facets

# Lower bounds of the bands but the first, which begins at nothing.
PRICE_BOUNDS = (Decimal("0.01"), Decimal(20), Decimal(50), Decimal(100), Decimal(200))
HOUR_BOUNDS = (1, 3, 6, 17)
# "This and up", as `rating_min` takes it.
RATING_STEPS = (Decimal(3), Decimal("3.5"), Decimal(4), Decimal("4.5"))
_HALF_A_TENTH = Decimal("0.05")
_CENT = Decimal("0.01")

_remembered: Memory["Facets"] = Memory("facets")


class Facets(TypedDict):
    """The choices of each filter, with how many courses each would leave."""

    category: list[dict[str, Any]]
    level: list[dict[str, Any]]
    language: list[dict[str, Any]]
    price: list[dict[str, Any]]
    rating: list[dict[str, Any]]
    duration: list[dict[str, Any]]


def count_facets(*, filters: Filters) -> Facets:
    """Return the facets under these filters, each without its own, as of at most
    `CATALOGUE_COUNT_SECONDS` ago. Two queries when they aren't remembered: one counts, one names
    the categories."""
    key = tuple(filters.values.items())
    known = _remembered.find(key)
    if known is None:
        since = generation()
        known = _count(filters)
        _remembered.keep(key, known, seconds=settings.CATALOGUE_COUNT_SECONDS, since=since)
    return known


def _count(filters: Filters) -> Facets:
    counted: defaultdict[str, dict[str | None, int]] = defaultdict(dict)
    bounds = {
        "price_bounds": list(PRICE_BOUNDS),
        "rating_bounds": [step - _HALF_A_TENTH for step in RATING_STEPS],
        "duration_bounds": [60 * hours for hours in HOUR_BOUNDS],
    }
    for name, choice, count in fetch_rows(
        facets.facets(tuple(filters.values)), {**filters.values, **bounds}
    ):
        counted[name][choice] = count
    return {
        "category": [
            {**row, "id": str(row["id"]), "count": counted["category"].get(str(row["id"]), 0)}
            for row in Category.objects.order_by("position", "name").values("id", "slug", "name")
        ],
        "level": [
            {"value": level, "count": counted["level"].get(level, 0)}
            for level in Course.Level.values
        ],
        "language": [
            {"value": language, "count": count}
            for language, count in sorted(
                counted["language"].items(), key=lambda item: (-item[1], item[0] or "")
            )
        ],
        "price": _price_bands(counted["price"]),
        "rating": _rating_steps(counted["rating"]),
        "duration": _duration_bands(counted["duration"]),
    }


def _price_bands(counted: dict[str | None, int]) -> list[dict[str, Any]]:
    """Bands as `min_price` and `max_price` take them: both ends belong to them."""
    lows = (Decimal(0), *PRICE_BOUNDS)
    highs = (*(bound - _CENT for bound in PRICE_BOUNDS), None)
    return [
        {"min": low, "max": high, "count": counted.get(str(number), 0)}
        for number, (low, high) in enumerate(zip(lows, highs, strict=True))
    ]


def _rating_steps(counted: dict[str | None, int]) -> list[dict[str, Any]]:
    return [
        {
            "min": step,
            "count": sum(
                counted.get(str(number), 0) for number in range(place, len(RATING_STEPS) + 1)
            ),
        }
        for place, step in enumerate(RATING_STEPS, start=1)
    ][::-1]


def _duration_bands(counted: dict[str | None, int]) -> list[dict[str, Any]]:
    """Bands in hours; the upper end belongs to the next band, as a course of just so many hours
    is in both when `duration_min` and `duration_max` are asked."""
    lows, highs = (0, *HOUR_BOUNDS), (*HOUR_BOUNDS, None)
    return [
        {"min": low, "max": high, "count": counted.get(str(number), 0)}
        for number, (low, high) in enumerate(zip(lows, highs, strict=True))
    ]
