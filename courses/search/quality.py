"""How good search is: a file of queries with the courses that must be found, and the figure.

The figure is the mean reciprocal rank at 10: for each query one divided by the place of the first
course that was to be found, zero when the first ten have none; the mean over all queries.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from courses.models import Course
from courses.selectors import find_courses

PLACES = 10
QUERIES = Path(__file__).with_name("quality.json")


@dataclass(frozen=True, slots=True)
class QualityQuery:
    """What is searched for, and the slugs of which any may come first."""

    query: str
    expect: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """A query with the slugs that were found, and the place of the first right one (None: none)."""

    query: QualityQuery
    found: tuple[str, ...]
    place: int | None

    @property
    def score(self) -> float:
        """The reciprocal of the place."""
        return 1 / self.place if self.place else 0.0


def read_queries() -> tuple[QualityQuery, ...]:
    """Return the queries of the file; they are about the demo catalogue."""
    rows = json.loads(QUERIES.read_text(encoding="utf-8"))
    return tuple(QualityQuery(query=row["query"], expect=tuple(row["expect"])) for row in rows)


def judge(queries: Sequence[QualityQuery]) -> list[Judged]:
    """Search for each and return how it went."""
    return [_judge(query) for query in queries]


def mean_reciprocal_rank(judged: Sequence[Judged]) -> float:
    """Return the figure, between 0 and 1; 0 without queries."""
    return sum(one.score for one in judged) / len(judged) if judged else 0.0


def _judge(query: QualityQuery) -> Judged:
    found = find_courses(text=query.query, limit=PLACES)
    slugs = dict(Course.objects.filter(id__in=found.ids).values_list("id", "slug"))
    ordered = tuple(slugs[course_id] for course_id in found.ids)
    places = [place for place, slug in enumerate(ordered, start=1) if slug in query.expect]
    return Judged(query=query, found=ordered, place=min(places, default=None))
