"""One page of published courses, and how many there are.

The page is found in one index of `courses_coursestats` alone, and only its rows are joined. They
are handed over as an array, not joined as a subquery, so that PostgreSQL plans for a handful of
rows without knowing the numbers: such a plan is as good for any page of a catalogue of any size,
and can be kept (see `core.reads`).
"""

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

from courses.sql.cards import CARD_COLUMNS, CARD_TABLES

# Texts of statements that are kept, of each kind: there are tens of thousands of combinations of
# filters, orderings and cursors, and making a text takes microseconds.
STATEMENTS = 200


@dataclass(frozen=True, kw_only=True)
class Order:
    """Columns of `courses_coursestats` that end in the key, all in one direction."""

    columns: tuple[str, ...]
    descending: bool

    @property
    def key(self) -> str:
        """The columns as a row, to compare a cursor with."""
        return f"({', '.join(self.columns)})"

    def clause(self, table: str, *, backwards: bool = False) -> str:
        """The columns after ORDER BY."""
        direction = "DESC" if self.descending != backwards else "ASC"
        return ", ".join(f"{table}.{column} {direction}" for column in self.columns)


ORDERS: dict[str, Order] = {
    "popular": Order(columns=("student_count", "course_id"), descending=True),
    "newest": Order(columns=("published_at", "course_id"), descending=True),
    "rating": Order(columns=("rating", "rating_count", "course_id"), descending=True),
    "price_low": Order(columns=("price", "course_id"), descending=False),
    "price_high": Order(columns=("price", "course_id"), descending=True),
}

CONDITIONS: dict[str, str] = {
    "category": "category_id = (SELECT id FROM courses_category WHERE slug = %(category)s)",
    "category_id": "category_id = %(category_id)s",
    "level": "level = %(level)s",
    "language": "language = %(language)s",
    "min_price": "price >= %(min_price)s",
    "max_price": "price <= %(max_price)s",
    "rating_min": "rating >= %(rating_min)s",
    "duration_min": "duration_minutes >= %(duration_min)s",
    "duration_max": "duration_minutes <= %(duration_max)s",
    "featured": "is_featured",
    # What `CoursesFound.marking` stands for.
    "search": """course_id IN (
        SELECT entry.course_id FROM courses_searchentry AS entry
        WHERE entry.document @@ %(search)s::tsquery
    )""",
}


@lru_cache(maxsize=STATEMENTS)
def page(order: str, conditions: Collection[str], *, cursor: str = "") -> str:
    """Return the statement for the rows of one page; after each row's card its sorting columns.

    Parameters: those of the conditions and of `CARD_COLUMNS`, `limit`, and `offset`; or, with
    `cursor` "after" or "before", the key of the row next to the page as `key_0`, `key_1`, …
    """
    chosen = ORDERS[order]
    start, place = "", "LIMIT %(limit)s OFFSET %(offset)s"
    if cursor:
        place = "LIMIT %(limit)s"
        forward = chosen.descending == (cursor == "after")
        values = ", ".join(f"%(key_{number})s" for number in range(len(chosen.columns)))
        start = f" AND {chosen.key} {'<' if forward else '>'} ({values})"
    keys = ", ".join(f"stats.{column}::text" for column in chosen.columns)
    return f"""
        SELECT {CARD_COLUMNS}, {keys}
        FROM {CARD_TABLES}
        WHERE stats.course_id = ANY(ARRAY(
            SELECT listed.course_id FROM courses_coursestats AS listed
            WHERE {where(conditions)}{start}
            ORDER BY {chosen.clause("listed", backwards=cursor == "before")} {place}
        ))
        ORDER BY {chosen.clause("stats")}
    """  # noqa: S608


@lru_cache(maxsize=STATEMENTS)
def count(conditions: Collection[str]) -> str:
    """Return the statement that counts what passes, exactly."""
    return f"SELECT count(*) FROM courses_coursestats WHERE {where(conditions)}"  # noqa: S608


def where(conditions: Collection[str]) -> str:
    """Return the condition for published courses that meet all of these."""
    return " AND ".join(["is_listed", *(CONDITIONS[name] for name in conditions)])
