"""Cursors of the course list: the place of a page, by the row beside it."""

import datetime as dt
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import orjson
from rest_framework.exceptions import ValidationError

from core.ids import parse_id
from courses.sql.listing import ORDERS

Direction = Literal["after", "before"]


@dataclass(frozen=True, kw_only=True)
class PageCursor:
    """The page with this number: what comes `after`, or `before`, the row with this key."""

    ordering: str
    direction: Direction
    key: tuple[str, ...]
    number: int


def write(cursor: PageCursor) -> str:
    """Return the cursor as clients carry it: opaque to them, and without secrets."""
    content = orjson.dumps([cursor.ordering, cursor.direction, cursor.key, cursor.number])
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def read(text: str, *, ordering: str) -> PageCursor | None:
    """Return the cursor, None of an empty text. Raises ValidationError unless it is one that
    `write` could have written for this ordering."""
    if not text:
        return None
    try:
        found, direction, key, number = orjson.loads(
            urlsafe_b64decode(text + "=" * (-len(text) % 4))
        )
        if found == ordering and direction in {"after", "before"} and _is_page(number):
            _check_key(key, ordering)
            return PageCursor(ordering=ordering, direction=direction, key=tuple(key), number=number)
    except (ValueError, TypeError, OverflowError):
        pass
    raise ValidationError({"cursor": ["This is no cursor of such a list."]})


def _is_page(number: object) -> bool:
    return type(number) is int and 0 < number < 10**9


def _check_key(key: Any, ordering: str) -> None:
    for value, column in zip(key, ORDERS[ordering].columns, strict=True):
        if not (isinstance(value, str) and len(value) < 50 and _CHECKS[column](value)):
            raise ValueError(column)


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,2})?", text, re.ASCII) is not None


def _is_whole(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


def _is_moment(text: str) -> bool:
    return dt.datetime.fromisoformat(text).tzinfo is not None


_CHECKS: dict[str, Callable[[str], bool]] = {
    "student_count": _is_whole,
    "rating_count": _is_whole,
    "rating": _is_number,
    "price": _is_number,
    "published_at": _is_moment,
    "course_id": lambda text: parse_id(text) is not None,
}
