"""The course list when it is searched (plan 4.3 `search`)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from rest_framework.exceptions import NotFound, ValidationError

from api.v1.catalogue.listing import require_category, show_list
from api.v1.catalogue.pages import with_flags
from api.v1.catalogue.query import CourseListQuery
from core.urls import absolute
from courses import selectors
from courses.permissions import Viewer
from courses.search.engine import CoursesFound
from courses.selectors import Filters


def show_searched(
    query: CourseListQuery, *, viewer: Viewer, path: str, given: Mapping[str, str]
) -> dict[str, Any]:
    """Return the page of a searched list, the best match first unless an ordering is asked for;
    `did_you_mean` stands beside what every list has.

    Without an ordering two queries, one while the process remembers the page, up to eight for
    words that are new and match little; besides, as `show_list`, which does the ordered ones and
    raises the same.
    """
    if given.get("ordering"):
        found = selectors.find_courses(text=query.search, limit=0)
        narrowed = replace(query, filters=_searched(query, found))
        body = show_list(narrowed, viewer=viewer, path=path, given=given)
        return {**body, "did_you_mean": found.did_you_mean}
    if query.cursor:
        raise ValidationError({"cursor": ["The best matches have pages: without an ordering."]})
    return _show_best(query, viewer=viewer, path=path, given=given)


def _show_best(
    query: CourseListQuery, *, viewer: Viewer, path: str, given: Mapping[str, str]
) -> dict[str, Any]:
    size = query.page_size
    found = selectors.find_courses(
        text=query.search,
        conditions=query.filters.values,
        limit=size,
        offset=(query.page - 1) * size,
    )
    pages = -(-found.count // size) or 1
    if not found.count:
        require_category(query)
    if query.page > pages:
        raise NotFound("Invalid page.")
    body: dict[str, Any] = {
        "count": found.count,
        "next": _link(path, given, query.page + 1) if query.page < pages else None,
        "previous": _link(path, given, query.page - 1) if query.page > 1 else None,
        "total_pages": pages,
        "current_page": query.page,
        "results": with_flags(selectors.list_found(found=found), viewer=viewer),
        "did_you_mean": found.did_you_mean,
    }
    if query.with_facets:
        body["facets"] = selectors.count_facets(filters=_searched(query, found))
    return body


def _searched(query: CourseListQuery, found: CoursesFound) -> Filters:
    values = {**query.filters.values, "search": found.marking}
    return Filters(values=values, ordering=query.filters.ordering)


def _link(path: str, given: Mapping[str, str], number: int) -> str:
    rest = {name: value for name, value in given.items() if name != "page"}
    if number > 1:
        rest["page"] = str(number)
    return absolute(f"{path}?{urlencode(sorted(rest.items()))}")
