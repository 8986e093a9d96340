"""What somebody typed, as PostgreSQL's query."""

import re
from dataclasses import dataclass

from django.db import connection

from courses.cache import Memory
from courses.search.postgres import sql
from courses.search.words import clean

_EXCLUDED = re.compile(r'(?<!\S)-(?:"([^"]*)"?|(\S+))')


@dataclass(frozen=True, slots=True)
class Reading:
    """A query as `tsquery` ("" when there is nothing to look for), the words it is made of as
    `courses_search_words` writes them, and what it leaves out, as `tsquery` too."""

    search: str
    words: str
    excluded: str = ""

    def without(self, excluded: str) -> "Reading":
        """Return the reading that finds nothing of what the other `tsquery` matches."""
        if not self.search or not excluded:
            return self
        search = f"({self.search}) & !({excluded})"
        return Reading(search=search, words=self.words, excluded=excluded)

    @property
    def tokens(self) -> list[str]:
        """The words one by one."""
        return re.findall(r"[^\W_]+", self.words)


NOTHING = Reading(search="", words="")

_readings: Memory[Reading] = Memory("readings")
_REMEMBER_SECONDS = 600.0


def read(text: str) -> Reading:
    """Return what the text looks for: "quoted phrases", `or` and `-without` are understood, and
    each word is taken in every language. One statement, none for a text that was read lately."""
    return interpret(clean(text))


def interpret(text: str) -> Reading:
    """Do the same with a text that is clean. Pure but for the dictionaries, which only a migration
    changes."""
    if not text:
        return NOTHING
    known = _readings.find(text)
    if known is None:
        known = _interpret(text)
        _readings.keep(text, known, seconds=_REMEMBER_SECONDS)
    return known


def _interpret(text: str) -> Reading:
    unwanted = " or ".join(
        f'"{phrase}"' if phrase else word for phrase, word in _EXCLUDED.findall(text)
    )
    wanted = _EXCLUDED.sub(" ", text).strip()
    with connection.cursor() as cursor:
        cursor.execute(
            sql.READ,
            {"wanted": wanted, "unwanted": unwanted, "configurations": sql.ALL_CONFIGURATIONS},
        )
        search, excluded, words = cursor.fetchone()
    reading = Reading(search=search or "", words=" ".join(words.split()))
    return reading.without(excluded or "")
