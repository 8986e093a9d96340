"""The engine: what was typed, then what may have been meant, then a page of it."""

import html
import json
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings

from core.reads import fetch_rows
from courses.cache import Memory, generation
from courses.search.engine import Conditions, CoursesFound, CourseSuggested, Highlight
from courses.search.postgres import index, spelling, sql
from courses.search.postgres.reading import NOTHING, Reading, interpret, read

# So many candidates are ordered by relevance: five pages.
RANKED = 100
# The courses that a beginning of a word is looked for in first.
KNOWN = 2_000
# With fewer results than this another spelling is proposed, if it is far more usual.
FEW = 3
FAR_MORE = 5
# The shortest beginning that is looked up when nothing matches whole words.
SHORTEST_PREFIX = 3
# Characters for private use; those in a course's own words are taken away before.
_START, _STOP = "\ue000", "\ue001"
_MARKS = f"StartSel={_START}, StopSel={_STOP}"


@dataclass(frozen=True, slots=True)
class _Resolved:
    """What is looked for after all, and how many match."""

    reading: Reading
    count: int
    did_you_mean: str | None = None


_found: Memory[CoursesFound] = Memory(size=5_000)
_resolved: Memory[_Resolved] = Memory(size=10_000)


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
        corrected = _correct(words, spelling.check(words))
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
    """Return the reading as it is when it finds something, else the first that does of: the last
    word as a beginning, corrected words, only the words that the catalogue knows."""
    if not reading.search:
        return _Resolved(NOTHING, 0)
    count = _count(reading, narrow)
    if count >= FEW:
        return _Resolved(reading, count)
    words = reading.tokens
    spelled = spelling.check(words)
    if count:
        return _Resolved(reading, count, _propose(words, spelled, narrow, count))
    for attempt, other in (
        (_begin(words), None),
        *((read(text), text) for text in _other_spellings(words, spelled)),
        (interpret(_all_but_one(_correct(words, spelled))), None),
    ):
        if attempt.search and (count := _count(attempt, narrow)):
            return _Resolved(attempt, count, other)
    return _Resolved(reading, 0)


def _begin(words: Sequence[str]) -> Reading:
    """Return the words with the last one as a beginning: somebody didn't type to its end."""
    if not words or len(words[-1]) < SHORTEST_PREFIX:
        return NOTHING
    *whole, last = words
    search = " & ".join([*(f"'{word}'" for word in whole), f"'{last}':*"])
    return Reading(search=search, words=" ".join(words))


def _other_spellings(words: list[str], spelled: Mapping[str, spelling.Spelling]) -> list[str]:
    corrected = _correct(words, spelled)
    known = [
        word
        for word, original in zip(corrected, words, strict=True)
        if (facts := spelled.get(original)) and (facts.courses is not None or facts.nearest)
    ]
    # A word that means nothing here may be left out, as long as most of the query stays.
    shorter = known if 2 * len(known) > len(words) else words
    return [" ".join(text) for text in (corrected, shorter) if text != words]


def _correct(words: list[str], spelled: Mapping[str, spelling.Spelling]) -> list[str]:
    """Return the words, those that the catalogue doesn't know replaced by the likeliest."""
    return [
        facts.nearest
        if (facts := spelled.get(word)) and facts.courses is None and facts.nearest
        else word
        for word in words
    ]


def _all_but_one(words: Sequence[str]) -> str:
    """Return a query for all but any one of the words, "" with too few or too many of them."""
    if not 3 <= len(words) <= spelling.MAX_WORDS:
        return ""
    return " or ".join(" ".join([*words[:at], *words[at + 1 :]]) for at in range(len(words)))


def _propose(
    words: list[str], spelled: Mapping[str, spelling.Spelling], narrow: Conditions, count: int
) -> str | None:
    """Return a spelling that finds far more than the `count` of the one typed, if there is one."""
    others = [
        facts.nearest
        if (facts := spelled.get(word))
        and facts.nearest
        and facts.nearest_courses >= FAR_MORE * max(facts.courses or 0, 1)
        else word
        for word in words
    ]
    text = " ".join(others)
    if others == words or _count(read(text), narrow) < FAR_MORE * count:
        return None
    return text


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
