"""Search for courses: one statement for a page, one for its count every few seconds."""

import functools

import orjson

from benchmarks.floor import search_sql
from benchmarks.floor.counts import remember_count
from benchmarks.floor.database import fetch, fetch_one
from benchmarks.floor.errors import InvalidError, NotFoundError
from benchmarks.floor.listing import to_card

_PAGE_SIZE = 20
_NOTHING = {"count": 0, "results": []}


def search_courses(query: dict[str, str]) -> bytes:
    """Return the body of `GET /api/v1/search/?type=course` for somebody who isn't signed in.

    Raises InvalidError and NotFoundError.
    """
    text, number = query.get("q", ""), query.get("page", "1")
    if not text or query.get("type") != "course" or not number.isdigit() or not int(number):
        raise InvalidError
    search, words = _read(text)
    count = remember_count(("search", search), lambda: _count(search))
    offset = (int(number) - 1) * _PAGE_SIZE
    rows = fetch(
        search_sql.PAGE,
        {
            "search": search,
            "words": words,
            "reach": max(search_sql.RANKED, offset + _PAGE_SIZE),
            "ranked": search_sql.RANKED,
            "limit": _PAGE_SIZE,
            "offset": offset,
        },
        planned=False,
    )
    if offset and not rows:
        raise NotFoundError
    cards = [to_card(row) | {"highlight": None} for row in rows]
    return orjson.dumps(
        {
            "courses": {"count": count, "results": cards},
            "instructors": _NOTHING,
            "categories": _NOTHING,
            "did_you_mean": None,
        }
    )


@functools.lru_cache(maxsize=10_000)
def _read(text: str) -> tuple[str, str]:
    """The query in all languages, and its words: always the same for the same text."""
    row = fetch_one(search_sql.READ, {"text": text, "languages": search_sql.LANGUAGES})
    if row is None or row[0] is None:
        raise NotFoundError
    return str(row[0]), str(row[1])


def _count(search: str) -> int:
    row = fetch_one(search_sql.COUNT, {"search": search}, planned=False)
    return int(row[0]) if row else 0
