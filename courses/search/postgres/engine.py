"""The engine: what was typed, then what may have been meant, then a page of it."""

import html
import json
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.conf import settings

from core.reads import fetch_rows
from courses.cache import Memory, generation
from courses.search.engine import Conditions, CoursesFound, CourseSuggested, Highlight
from courses.search.postgres import index, spelling, sql
from courses.search.postgres.forgiving import (
    FAR_MORE,
    Spellings,
    correct,
    find_attempts,
    propose,
)
from courses.search.postgres.reading import NOTHING, Reading, interpret, read

# So many candidates are ordered by relevance: five pages.
RANKED = 100
# The courses that a beginning of a word is looked for in first.
KNOWN = 2_000
# With fewer results than this another spelling is proposed, if it is far more usual.
FEW = 3
# Characters for private use; those in a course's own words are taken away before.
_START, _STOP = "\ue000", "\ue001"
_MARKS = f"StartSel={_START}, StopSel={_STOP}"


@dataclass(frozen=True, slots=True)
class _Resolved:
    """What is looked for after all, and how many match."""

    reading: Reading
    count: int
    did_you_mean: str | None = None


_found: Memory[CoursesFound] = Memory("found")
_resolved: Memory[_Resolved] = Memory("resolved")


class PostgresEngine:
    """`courses.search.engine.SearchEngine` on the database that is there anyway."""

    def search(
        self, *, query: str, conditions: Conditions, limit: int, offset: int
    ) -> CoursesFound:
        """Two statements for a page, one while the count is remembered, none while the page is
        (`SEARCH_REMEMBER_SECONDS`); one more for a text that is new, up to six more when the text
        as typed finds little."""
        what = (query, tuple(conditions.items()))
        since = generation()
        resolved = _resolved.find(what)
        if resolved is None:
            resolved = _resolve(read(query), conditions)
            _resolved.keep(what, resolved, seconds=settings.SEARCH_REMEMBER_SECONDS, since=since)
        page = (*what, limit, offset)
        found = _found.find(page)
        if found is None:
            found = _find(resolved, conditions, limit=limit, offset=offset)
            _found.keep(page, found, seconds=settings.SEARCH_REMEMBER_SECONDS, since=since)
        return found

    def suggest(self, *, query: str, limit: int) -> list[CourseSuggested]:
        """One statement, two more when nothing begins so."""
        words = read(query).tokens
        found = _suggest(words, limit)
        if found or not words:
            return found
        corrected = correct(words, spelling.check(words))
        return _suggest(corrected, limit) if corrected != words else []

    def highlight(self, *, marking: str, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Highlight]:
        """One statement."""
        if not marking or not ids:
            return {}
        rows = fetch_rows(
            sql.HIGHLIGHT,
            {
                "search": marking,
                "ids": list(ids),
                "configurations": json.dumps(sql.CONFIGURATIONS),
                "marks": _START + _STOP,
                "whole": f"{_MARKS}, HighlightAll=true",
                "part": f"{_MARKS}, MaxWords=40, MinWords=20",
            },
        )
        return {row[0]: Highlight(title=_mark(row[1]), text=_mark(row[2])) for row in rows}

    def known(self, *, queries: Sequence[str]) -> set[str]:
        """One statement."""
        return {row[0] for row in fetch_rows(sql.KNOWN, {"queries": list(queries)})}

    def reindex(self, *, course_ids: Collection[uuid.UUID] | None) -> int:
        return index.refresh_stale() if course_ids is None else index.refresh(course_ids)


def _find(resolved: _Resolved, conditions: Conditions, *, limit: int, offset: int) -> CoursesFound:
    ids: list[uuid.UUID] = []
    if resolved.count > offset and limit:
        ids = _page(resolved.reading, conditions, limit=limit, offset=offset)
    return CoursesFound(
        count=resolved.count,
        ids=ids,
        did_you_mean=resolved.did_you_mean,
        marking=resolved.reading.search,
    )


def _resolve(reading: Reading, narrow: Conditions) -> _Resolved:
    """Return the reading as it is when it finds something, else the first attempt that does."""
    if not reading.search:
        return _Resolved(NOTHING, 0)
    count = _count(reading, narrow)
    if count >= FEW:
        return _Resolved(reading, count)
    spelled = spelling.check(reading.tokens)
    if count:
        return _Resolved(reading, count, _propose(reading, spelled, narrow, count))
    for attempt, other in find_attempts(reading, spelled):
        if attempt.search and (count := _count(attempt, narrow)):
            return _Resolved(attempt, count, other)
    return _Resolved(reading, 0)


def _propose(reading: Reading, spelled: Spellings, narrow: Conditions, count: int) -> str | None:
    """Return a spelling that finds far more than the `count` of the one typed, if there is one."""
    text = propose(reading.tokens, spelled)
    if text and _count(interpret(text).without(reading.excluded), narrow) >= FAR_MORE * count:
        return text
    return None


def _count(reading: Reading, narrow: Conditions) -> int:
    rows = fetch_rows(sql.count(tuple(narrow)), {**narrow, "search": reading.search})
    return int(rows[0][0])


def _page(reading: Reading, narrow: Conditions, *, limit: int, offset: int) -> list[uuid.UUID]:
    rows = fetch_rows(
        sql.page(tuple(narrow)),
        {
            **narrow,
            "search": reading.search,
            "words": " ".join(reading.tokens),
            "reach": max(RANKED, offset + limit),
            "ranked": RANKED,
            "limit": limit,
            "offset": offset,
        },
    )
    return [row[0] for row in rows]


def _suggest(words: Sequence[str], limit: int) -> list[CourseSuggested]:
    if not words:
        return []
    search = " & ".join(f"'{word}':*" for word in words)
    rows = fetch_rows(sql.SUGGEST, {"search": search, "known": KNOWN, "limit": limit})
    return [CourseSuggested(id=row[0], title=row[1], slug=row[2]) for row in rows]


def _mark(text: str) -> str:
    escaped = html.escape(text)
    return escaped.replace(_START, "<mark>").replace(_STOP, "</mark>")
