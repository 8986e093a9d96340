"""What somebody may be about to type: popular searches, categories, courses and instructors."""

import uuid
from dataclasses import dataclass
from typing import Literal

from courses.search.engine import get_engine
from courses.search.popular import LISTED, list_popular
from courses.search.shelves import find_categories
from courses.search.words import clean, fold
from users import selectors as user_selectors

Kind = Literal["query", "category", "course", "instructor"]

MOST = 10
MOST_QUERIES = 3
MOST_CATEGORIES = 2
MOST_INSTRUCTORS = 2
# Names are looked up by three letters; with fewer, half of all instructors would do.
SHORTEST_NAME = 3


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """Something to search for or to go to. `id` and `slug` are None where there is none."""

    kind: Kind
    text: str
    id: uuid.UUID | None = None
    slug: str | None = None


def suggest(*, text: str) -> list[Suggestion]:
    """Return at most `MOST` suggestions for the beginning of a query. Five statements at most,
    and of a cost that doesn't grow with the number of courses."""
    typed = clean(text)
    if not typed:
        return []
    others = [*_queries(typed), *_categories(typed), *_instructors(typed)]
    courses = [
        Suggestion(kind="course", text=course.title, id=course.id, slug=course.slug)
        for course in get_engine().suggest(query=typed, limit=MOST - len(others))
    ]
    queries_and_shelves = [one for one in others if one.kind != "instructor"]
    people = [one for one in others if one.kind == "instructor"]
    return [*queries_and_shelves, *courses, *people]


def _queries(typed: str) -> list[Suggestion]:
    beginning = fold(typed)
    popular = (query for query, _ in list_popular(limit=LISTED))
    alike = [query for query in popular if fold(query).startswith(beginning)]
    return [Suggestion(kind="query", text=query) for query in alike[:MOST_QUERIES]]


def _categories(typed: str) -> list[Suggestion]:
    _, rows = find_categories(text=typed, limit=MOST_CATEGORIES, names_only=True)
    return [
        Suggestion(kind="category", text=row["name"], id=row["id"], slug=row["slug"])
        for row in rows
    ]


def _instructors(typed: str) -> list[Suggestion]:
    if len(typed) < SHORTEST_NAME:
        return []
    _, rows = user_selectors.search_instructors(q=typed, limit=MOST_INSTRUCTORS, offset=0)
    return [
        Suggestion(kind="instructor", text=f"{row.first_name} {row.last_name}", id=row.id)
        for row in rows
    ]
