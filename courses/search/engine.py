"""What a search engine for courses does, and which one is in use.

Another engine is a class with these methods; the setting `SEARCH_ENGINE` names it.
"""

import functools
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from django.conf import settings
from django.utils.module_loading import import_string

# Which courses may be found: values by the names that the course list has for its filters
# (`courses.sql.listing.CONDITIONS`), ready to be compared. Empty for all.
Conditions = Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class CoursesFound:
    """How many published courses match, and one page of them, the best first.

    `did_you_mean` is another spelling of the query when that finds more: what `ids` are already
    of when the query as typed finds nothing. `marking` stands for what was looked for after all,
    in the engine's own words: for highlights, and for lists with an order of their own.
    """

    count: int
    ids: Sequence[uuid.UUID]
    did_you_mean: str | None = None
    marking: str = ""


@dataclass(frozen=True, kw_only=True)
class CourseSuggested:
    """A course that somebody may be about to type."""

    id: uuid.UUID
    title: str
    slug: str


@dataclass(frozen=True, kw_only=True)
class Highlight:
    """Where a course matches: escaped HTML whose only tag is `<mark>`."""

    title: str
    text: str


@runtime_checkable
class SearchEngine(Protocol):
    """Finds published courses by words. Never raises for what somebody typed."""

    def search(
        self, *, query: str, conditions: Conditions, limit: int, offset: int
    ) -> CoursesFound:
        """Return what matches, the best first; equal ones in a fixed order, so that pages neither
        repeat nor skip a course."""
        ...

    def suggest(self, *, query: str, limit: int) -> list[CourseSuggested]:
        """Return courses with a title of words that begin like those typed, the popular first."""
        ...

    def highlight(self, *, marking: str, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Highlight]:
        """Return where the courses of a page match; `marking` is that of their `CoursesFound`."""
        ...

    def known(self, *, queries: Sequence[str]) -> set[str]:
        """Return those of which every word is in the title of a published course or the name of a
        category, and what a point, slash, colon or at joins stands there joined so: what may be
        shown to others, whoever typed it."""
        ...

    def reindex(self, *, course_ids: Collection[uuid.UUID] | None) -> int:
        """Bring the index up to date with these courses, or with all whose words changed (None);
        returns how many entries were written or removed. All of these courses or none."""
        ...


@functools.cache
def _load(path: str) -> SearchEngine:
    engine = import_string(path)()
    if not isinstance(engine, SearchEngine):
        raise TypeError(f"{path} is no search engine")
    return engine


def get_engine() -> SearchEngine:
    """Return the engine that the setting names. Raises ImportError or TypeError without one."""
    return _load(settings.SEARCH_ENGINE)
