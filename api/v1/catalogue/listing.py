"""The body of the course list (plan 4.3, 10.4)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from rest_framework.exceptions import NotFound, ValidationError

from api.v1.catalogue import cursors
from api.v1.catalogue.cursors import Direction, PageCursor
from api.v1.catalogue.pages import with_flags
from api.v1.catalogue.query import CourseListQuery
from core.urls import absolute
from courses import selectors
from courses.permissions import Viewer
from courses.selectors import CardPage

# From here on `next` is a cursor: what an offset skips has to be read, a cursor skips nothing.
LAST_NUMBERED_PAGE = 500


def show_list(
    query: CourseListQuery, *, viewer: Viewer, path: str, given: Mapping[str, str]
) -> dict[str, Any]:
    """Return the page that was asked for. One query, one for the count unless it is remembered,
    one for a viewer's flags, one for facets.

    `path` and `given` are what the links repeat. Raises NotFound for a page past the end, and
    ValidationError for a category that doesn't exist.
    """
    count = selectors.count_courses(filters=query.filters)
    pages = -(-count // query.page_size) or 1
    if not count:
        require_category(query)
    if query.page > pages and not query.cursor:
        raise NotFound("Invalid page.")
    page = _read_page(query)
    links = _Links(path=path, given=given, ordering=query.filters.ordering)
    body: dict[str, Any] = {
        "count": count,
        "next": None,
        "previous": None,
        "total_pages": pages,
        "current_page": query.page,
        "results": with_flags(page.cards, viewer=viewer),
    }
    if page.last and query.page < pages:
        body["next"] = links.build(query.page + 1, "after", page.last)
    if page.first and query.page > 1:
        body["previous"] = links.build(query.page - 1, "before", page.first)
    if query.with_facets:
        body["facets"] = selectors.count_facets(filters=query.filters)
    return body


def _read_page(query: CourseListQuery) -> CardPage:
    size = query.page_size
    if query.cursor:
        place = (query.cursor.direction, query.cursor.key)
        return selectors.list_page(filters=query.filters, limit=size, cursor=place)
    return selectors.list_page(filters=query.filters, limit=size, offset=(query.page - 1) * size)


def require_category(query: CourseListQuery) -> None:
    """Refuse a category that nobody knows; asked only when nothing was found."""
    values = query.filters.values
    if reference := values.get("category_id") or values.get("category"):
        try:
            selectors.find_category_id(reference=str(reference))
        except selectors.CategoryNotFound:
            raise ValidationError({"category": ["There is no such category."]}) from None


@dataclass(frozen=True, kw_only=True)
class _Links:
    """Addresses of the pages beside one."""

    path: str
    given: Mapping[str, str]
    ordering: str

    def build(self, number: int, direction: Direction, key: tuple[str, ...]) -> str:
        """Return the address of the page with this number, which is after or before the row."""
        rest = {name: value for name, value in self.given.items() if name not in {"page", "cursor"}}
        if number > LAST_NUMBERED_PAGE:
            cursor = PageCursor(ordering=self.ordering, direction=direction, key=key, number=number)
            rest["cursor"] = cursors.write(cursor)
        elif number > 1:
            rest["page"] = str(number)
        return absolute(f"{self.path}?{urlencode(sorted(rest.items()))}" if rest else self.path)
