"""What the catalogue's addresses answer a reader, whoever carries it: a view, or the front door."""

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

from api.v1.catalogue.detail import get_course_page
from api.v1.catalogue.listing import show_list
from api.v1.catalogue.query import read_page, read_query, select_paging, select_read
from courses.models import RESERVED_SLUGS
from courses.permissions import Viewer

LIST = "/api/v1/courses/"
FEATURED = "/api/v1/courses/featured/"
_DETAIL = re.compile(r"/api/v1/courses/([^/]+)/")


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The data of a page, and when its author last changed it, where there is one."""

    data: Any
    last_modified: dt.datetime | None = None


Parameters = tuple[tuple[str, str], ...]
Reader = Callable[[Viewer, Mapping[str, str]], Reading]


def read_list(viewer: Viewer, given: Mapping[str, str]) -> Reading:
    """Return a page of the course list that isn't searched. Raises as `show_list`."""
    read = select_read(given)
    return Reading(data=show_list(read_query(read), viewer=viewer, path=LIST, given=read))


def read_featured(viewer: Viewer, given: Mapping[str, str]) -> Reading:
    """Return a page of what staff put forward. Raises as `show_list`."""
    read = select_paging(given)
    query = read_page(read, featured=True)
    return Reading(data=show_list(query, viewer=viewer, path=FEATURED, given=read))


def read_course(viewer: Viewer, reference: str) -> Reading:
    """Return the page of a course. Raises CourseNotFound."""
    page = get_course_page(reference=reference, viewer=viewer)
    return Reading(data=page, last_modified=page["last_updated"])


def find_kind(path: str) -> str:
    """Return the kind of page that an address with a reader is of: those of one kind have one view,
    and the same headers."""
    return path if path in {LIST, FEATURED} else "course"


def select_parameters(path: str, query_string: str) -> Parameters:
    """Return what the reader of this address reads of the query, always in the same order. Pages
    of the same address and parameters are the same."""
    if not query_string or path not in {LIST, FEATURED}:
        return ()
    if len(query_string) > _ORDINARY:
        return _parse(path, query_string)
    return _parse_known(path, query_string)


def _parse(path: str, query_string: str) -> Parameters:
    given = dict(parse_qsl(query_string, keep_blank_values=True))
    return tuple((select_read(given) if path == LIST else select_paging(given)).items())


# Many ask the same. What is kept of it is below two megabytes.
_parse_known = lru_cache(maxsize=1_000)(_parse)
_ORDINARY = 200


def find_reader(path: str, given: Mapping[str, str]) -> Reader | None:
    """Return what reads this address, None where it takes more than reading: a search is also
    counted."""
    if path == LIST:
        return None if given.get("search") else read_list
    if path == FEATURED:
        return read_featured
    found = _DETAIL.fullmatch(path)
    if found is None or found[1] in RESERVED_SLUGS:
        return None
    return lambda viewer, given: read_course(viewer, found[1])
