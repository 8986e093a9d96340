"""Reading a list of Stripe's on from a persisted cursor, whatever our clock says.

All times are Stripe's, as its objects say them: the cursor doesn't pass what is yet to happen. It
is read with an overlap, as objects of one second may become visible one after the other, so whoever
stores them knows them again by their id.
"""

import datetime as dt
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from django.db.models import F
from django.db.models.functions import Greatest

from payments.models import StripeCursor
from payments.services.sweeping import BUDGET_SECONDS
from payments.stripe_gateway import Page

OVERLAP = dt.timedelta(minutes=5)
# What fills more than a page, as after a long absence, is read in steps: each moves the cursor, so
# none is read twice. They begin short, grow as long as they are fast, and shrink where there is
# much: however hard-pressed, a worker gets on.
FIRST_STEP = dt.timedelta(minutes=1)
SLOW_STEP_SECONDS = 5.0
_EVER = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class _Dated(Protocol):
    @property
    def created(self) -> dt.datetime: ...


_F = TypeVar("_F", bound=_Dated)


@dataclass(frozen=True, kw_only=True)
class Source(Generic[_F]):
    """A list of Stripe's, newest first, and where its objects go.

    `list_page` takes `since`, `until` and `after`; `store` returns how many weren't there yet. An
    installation that has never read begins `first_look_back` before the newest; `kept` is for how
    long Stripe keeps them, None for ever.
    """

    name: str
    list_page: Callable[..., Page[_F]]
    store: Callable[[Sequence[_F]], int]
    first_look_back: Callable[[], dt.timedelta]
    longest_step: dt.timedelta
    kept: dt.timedelta | None = None


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How much of a list was new, and whether it was read to its end."""

    found: int
    is_over: bool


def read_on(source: Source[Any]) -> Reading:
    """Store what is new in the list, as far as there is time. Raises PaymentsUnavailable. Safe to
    run twice at once, or to be killed."""
    started, cursor = time.monotonic(), _read_cursor(source.name)
    since = _EVER if cursor is None else cursor - OVERLAP
    page = next(_pages(source, since, None))
    if not page.items:
        return Reading(found=0, is_over=True)
    newest = max(item.created for item in page.items)
    look_back = source.first_look_back() if cursor is None else source.kept
    if look_back is not None:
        since = max(since, newest - look_back)
    # The newest at once, whatever there is before them.
    found = source.store([item for item in page.items if item.created >= since])
    if not page.after:
        _move_cursor(source.name, newest)
        return Reading(found=found, is_over=True)
    rest = _read_by_steps(source, since, newest, started=started)
    return Reading(found=found + rest.found, is_over=rest.is_over)


def _read_by_steps(
    source: Source[Any], since: dt.datetime, newest: dt.datetime, *, started: float
) -> Reading:
    found, step = 0, OVERLAP + FIRST_STEP
    while True:
        begun = time.monotonic()
        # What is older than the overlap is visible by now, and needs none.
        until = since + step if since + step < newest - OVERLAP else None
        stored, last = _read(source, since, until)
        found += stored
        _move_cursor(source.name, last if until is None else until)
        if until is None or time.monotonic() - started >= BUDGET_SECONDS:
            return Reading(found=found, is_over=until is None)
        seconds = time.monotonic() - begun
        since, step = until, _next_step(step, seconds=seconds, longest=source.longest_step)


def _next_step(step: dt.timedelta, *, seconds: float, longest: dt.timedelta) -> dt.timedelta:
    if seconds > SLOW_STEP_SECONDS:
        return max(step / 2, FIRST_STEP)
    return min(2 * step, longest)


def _read(
    source: Source[Any], since: dt.datetime, until: dt.datetime | None
) -> tuple[int, dt.datetime]:
    """Store what a step holds; returns how much was new, and when the last of it happened."""
    stored, newest = 0, since
    for page in _pages(source, since, until):
        stored += source.store(page.items)
        newest = max([newest, *(item.created for item in page.items)])
    return stored, newest


def _pages(
    source: Source[Any], since: dt.datetime, until: dt.datetime | None
) -> Iterator[Page[Any]]:
    after = ""
    while True:
        page = source.list_page(since=since, until=until, after=after)
        yield page
        after = page.after
        if not after:
            return


def _read_cursor(name: str) -> dt.datetime | None:
    cursors = StripeCursor.objects.filter(name=name)
    return cursors.values_list("read_until", flat=True).first()


def _move_cursor(name: str, to: dt.datetime) -> None:
    """Move it on, never back: another reader may have come further."""
    _, is_new = StripeCursor.objects.get_or_create(name=name, defaults={"read_until": to})
    if not is_new:
        StripeCursor.objects.filter(name=name).update(read_until=Greatest(F("read_until"), to))
