"""How many courses each choice of each filter would leave, in one statement.

A filter's own choices are counted without it: they are what it could be changed to.
"""

from collections.abc import Collection
from functools import lru_cache

from courses.sql.listing import STATEMENTS, where

# A facet's choice as an expression, and the conditions that choose in it. Bands are numbered from 0
# by their lower bounds, given as parameters.
_FACETS: dict[str, tuple[str, frozenset[str]]] = {
    "category": ("category_id::text", frozenset({"category", "category_id"})),
    "level": ("level", frozenset({"level"})),
    "language": ("language", frozenset({"language"})),
    "price": (
        "width_bucket(price, %(price_bounds)s::numeric[])::text",
        frozenset({"min_price", "max_price"}),
    ),
    "rating": (
        "width_bucket(rating, %(rating_bounds)s::numeric[])::text",
        frozenset({"rating_min"}),
    ),
    "duration": (
        "width_bucket(duration_minutes, %(duration_bounds)s::integer[])::text",
        frozenset({"duration_min", "duration_max"}),
    ),
}


@lru_cache(maxsize=STATEMENTS)
def facets(conditions: Collection[str]) -> str:
    """Return the statement for rows of facet, choice and count."""
    return "\nUNION ALL\n".join(
        f"SELECT '{name}', {choice}, count(*) FROM courses_coursestats "  # noqa: S608
        f"WHERE {where(tuple(one for one in conditions if one not in own))} GROUP BY 2"
        for name, (choice, own) in _FACETS.items()
    )
