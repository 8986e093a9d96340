"""Composing the results: courses with the viewer's flags, instructors and categories."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, TypedDict

from rest_framework.exceptions import NotFound

from api.v1.catalogue.pages import with_flags
from core.urls import media_url
from courses import selectors as course_selectors
from courses.permissions import Viewer
from courses.search.engine import CoursesFound
from users import selectors as user_selectors

PAGE_SIZE = 20
# Beyond it no table has rows, and PostgreSQL's offset would overflow: past the end, like any other.
MAX_PAGE = 1_000_000


class Found(TypedDict):
    """How many match, and one page of them."""

    count: int
    results: Sequence[Any]


class Results(TypedDict):
    """What was found of each kind, and another spelling (see `CoursesFound`)."""

    courses: Found
    instructors: Found
    categories: Found
    did_you_mean: str | None


def search(
    *,
    q: str,
    page: int,
    viewer: Viewer,
    type: str | None = None,  # noqa: A002 - the parameter's name
    highlights: bool = False,
) -> Results:
    """Return what matches `q`, by kind. Raises NotFound for a page past the end.

    Five statements: courses two and their count, instructors and categories one each; only three
    while the process remembers what was found, more for words that nothing matches. One more for
    the flags of a viewer who is signed in, and one for highlights.
    """
    if page > MAX_PAGE:
        raise NotFound("Invalid page.")
    offset = (page - 1) * PAGE_SIZE
    results: Results = {
        "courses": _nothing(),
        "instructors": _nothing(),
        "categories": _nothing(),
        "did_you_mean": None,
    }
    if type in (None, "course"):
        courses = course_selectors.find_courses(text=q, limit=PAGE_SIZE, offset=offset)
        results["courses"] = _show_courses(courses, viewer, highlights=highlights)
        results["did_you_mean"] = courses.did_you_mean
    if type in (None, "instructor"):
        results["instructors"] = _find_instructors(q, results["did_you_mean"], offset)
    if type in (None, "category"):
        count, rows = course_selectors.find_categories(text=q, limit=PAGE_SIZE, offset=offset)
        results["categories"] = {"count": count, "results": rows}
    if page > 1 and not any(found["results"] for found in _kinds(results)):
        raise NotFound("Invalid page.")
    return results


def count_found(results: Results) -> int:
    """Return how many matches there are of any kind."""
    return sum(found["count"] for found in _kinds(results))


def _kinds(results: Results) -> tuple[Found, Found, Found]:
    return results["courses"], results["instructors"], results["categories"]


def _nothing() -> Found:
    return {"count": 0, "results": []}


def _show_courses(found: CoursesFound, viewer: Viewer, *, highlights: bool) -> Found:
    marked: dict[str, Any] = {}
    if highlights:
        places = course_selectors.highlight_courses(found=found, course_ids=found.ids)
        marked = {str(course_id): asdict(place) for course_id, place in places.items()}
    cards = with_flags(course_selectors.list_found(found=found), viewer=viewer)
    rows = [{**card, "highlight": marked.get(card["id"])} for card in cards]
    return {"count": found.count, "results": rows}


def _find_instructors(q: str, did_you_mean: str | None, offset: int) -> Found:
    """Return the instructors of that name; of the other spelling when the first finds nobody."""
    count, rows = user_selectors.search_instructors(q=q, limit=PAGE_SIZE, offset=offset)
    if not count and did_you_mean:
        count, rows = user_selectors.search_instructors(
            q=did_you_mean, limit=PAGE_SIZE, offset=offset
        )
    shown = [{**asdict(row), "profile_picture": media_url(row.profile_picture)} for row in rows]
    return {"count": count, "results": shown}
