"""Reading a list of Stripe's on from a persisted cursor, whatever our clock says.

All times are Stripe's, as its objects say them: the cursor doesn't pass what is yet to happen.
Objects of one second may become visible one after the other, so the last minutes before the cursor
are read again, and whoever stores them knows them again by their id. What was older than that when
it was read is visible by then, and is read once: how far is kept page by page, so a reader gets on
however often it is killed.
"""

import datetime as dt
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from django.db.models import F
from django.db.models.functions import Greatest

from payments.models import StripeCursor
from payments.services.sweeping import BUDGET_SECONDS
from payments.stripe_gateway import Page, StripeNotFound

OVERLAP = dt.timedelta(minutes=5)
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
    kept: dt.timedelta | None = None


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How much of a list was new, and whether it was read to its end: but for its last minutes
    where there is more in these than there is time for."""

    found: int
    is_over: bool


def read_on(source: Source[Any]) -> Reading:
    """Store what is new in the list, as far as there is time: a page at least, which isn't read
    again. Raises PaymentsUnavailable. Safe to run twice at once, or to be killed."""
    ends_at = time.monotonic() + BUDGET_SECONDS
    cursor = StripeCursor.objects.filter(name=source.name).first()
    since = _EVER if cursor is None else cursor.read_until - OVERLAP
    page = source.list_page(since=since, until=None, after="")
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
    if cursor is None:
        begin = {"read_until": since + OVERLAP}
        cursor, _ = StripeCursor.objects.get_or_create(name=source.name, defaults=begin)
    while since < newest - OVERLAP:
        if cursor.reading_until is None or cursor.reading_until <= since:
            cursor.reading_until, cursor.reading_after = newest - OVERLAP, ""
        until = cursor.reading_until
        stored, is_read = _read_settled(source, cursor, since, until, ends_at=ends_at)
        found += stored
        if not is_read:
            return Reading(found=found, is_over=False)
        since = until
    return Reading(
        found=found + _read_newest(source, since, page.after, ends_at=ends_at), is_over=True
    )


def _read_settled(
    source: Source[Any],
    cursor: StripeCursor,
    since: dt.datetime,
    until: dt.datetime,
    *,
    ends_at: float,
) -> tuple[int, bool]:
    """Store what happened between two moments of which the later is well past, on from where the
    cursor says; returns how much was new, and whether it was read to its end. Somebody else who
    comes to an end meanwhile has it."""
    found = 0
    while True:
        page = _page_after(source, since, until, cursor.reading_after)
        found += source.store(page.items)
        row = StripeCursor.objects.filter(name=cursor.name, read_until=cursor.read_until)
        if not page.after:
            cursor.read_until = until + OVERLAP
            return found, bool(row.update(read_until=cursor.read_until))
        cursor.reading_after = page.after
        is_ours = row.update(reading_until=until, reading_after=page.after)
        if not is_ours or time.monotonic() >= ends_at:
            return found, False


def _page_after(
    source: Source[Any], since: dt.datetime, until: dt.datetime, after: str
) -> Page[Any]:
    try:
        return source.list_page(since=since, until=until, after=after)
    except StripeNotFound:
        if not after:
            raise
        # Stripe drops what is old, and so where a reader was that has been away for long.
        return source.list_page(since=since, until=until, after="")


def _read_newest(source: Source[Any], since: dt.datetime, after: str, *, ends_at: float) -> int:
    """Store what comes after the first page, as far as there is time, for it to be found early: it
    is read again when no more can become visible beside it."""
    found = 0
    while after and time.monotonic() < ends_at:
        page = source.list_page(since=since, until=None, after=after)
        found += source.store(page.items)
        after = page.after
    return found


def _move_cursor(name: str, to: dt.datetime) -> None:
    """Move it on, never back: another reader may have come further."""
    _, is_new = StripeCursor.objects.get_or_create(name=name, defaults={"read_until": to})
    if not is_new:
        StripeCursor.objects.filter(name=name).update(read_until=Greatest(F("read_until"), to))
