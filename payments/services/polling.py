"""The poll: what happened at Stripe is read from its list of events, whether a webhook came or not.

The list is read on from a persisted cursor, with an overlap, as events of one second may become
visible one after the other. What is read goes into the inbox, where an event that came by webhook
is known by its id. All times are Stripe's, as its events say them: whatever our clock shows, the
cursor doesn't pass what is yet to happen.
"""

import datetime as dt
import time
from collections.abc import Iterator

from django.db.models import F
from django.db.models.functions import Greatest

from payments import stripe_gateway
from payments.models import StripeCursor
from payments.services.inbox import HANDLED_TYPES
from payments.services.receiving import store_events
from payments.services.sweeping import BUDGET_SECONDS
from payments.stripe_gateway import EventFacts, Page

CURSOR = "events"
OVERLAP = dt.timedelta(minutes=5)
# Where an installation begins that has never read the list.
FIRST_LOOK_BACK = dt.timedelta(days=3)
# Stripe keeps events this long; what is older, the comparison with Stripe finds.
KEPT_BY_STRIPE = dt.timedelta(days=30)
# What fills more than a page, as after a long absence, is read in steps: each moves the cursor, so
# none is read twice. They begin short, grow as long as they are fast, and shrink where there is
# much: however hard-pressed, a worker gets on.
FIRST_STEP = dt.timedelta(minutes=1)
LONGEST_STEP = dt.timedelta(hours=1)
SLOW_STEP_SECONDS = 5.0
_EVER = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def poll_events() -> int:
    """Store the events that no webhook brought; returns how many. Raises PaymentsUnavailable.

    Does nothing where Stripe isn't configured. Safe to run twice at once, or to be killed.
    """
    if not stripe_gateway.is_configured():
        return 0
    started, cursor = time.monotonic(), _read_cursor()
    since = _EVER if cursor is None else cursor - OVERLAP
    page = next(_pages(since, None))
    found = store_events(events=page.items)
    if not page.items:
        return found
    newest = max(event.created for event in page.items)
    if not page.after:
        _move_cursor(newest)
        return found
    look_back = FIRST_LOOK_BACK if cursor is None else KEPT_BY_STRIPE
    since = max(since, newest - look_back)
    return found + _read_by_steps(since, newest, started=started)


def _read_by_steps(since: dt.datetime, newest: dt.datetime, *, started: float) -> int:
    """Store what happened since then, as far as there is time; returns how many were new."""
    found, step = 0, OVERLAP + FIRST_STEP
    while True:
        begun = time.monotonic()
        # What is older than the overlap is visible by now, and needs none.
        until = since + step if since + step < newest - OVERLAP else None
        stored, last = _read(since, until)
        found += stored
        _move_cursor(last if until is None else until)
        if until is None or time.monotonic() - started >= BUDGET_SECONDS:
            return found
        since, step = until, _next_step(step, seconds=time.monotonic() - begun)


def _next_step(step: dt.timedelta, *, seconds: float) -> dt.timedelta:
    if seconds > SLOW_STEP_SECONDS:
        return max(step / 2, FIRST_STEP)
    return min(2 * step, LONGEST_STEP)


def _read(since: dt.datetime, until: dt.datetime | None) -> tuple[int, dt.datetime]:
    """Store the events of a step; returns how many were new, and when the last one happened."""
    stored, newest = 0, since
    for page in _pages(since, until):
        stored += store_events(events=page.items)
        newest = max([newest, *(event.created for event in page.items)])
    return stored, newest


def _pages(since: dt.datetime, until: dt.datetime | None) -> Iterator[Page[EventFacts]]:
    after = ""
    while True:
        page = stripe_gateway.list_events(
            types=HANDLED_TYPES, since=since, until=until, after=after
        )
        yield page
        after = page.after
        if not after:
            return


def _read_cursor() -> dt.datetime | None:
    cursors = StripeCursor.objects.filter(name=CURSOR)
    return cursors.values_list("read_until", flat=True).first()


def _move_cursor(to: dt.datetime) -> None:
    """Move it on, never back: another poll may have come further."""
    _, is_new = StripeCursor.objects.get_or_create(name=CURSOR, defaults={"read_until": to})
    if not is_new:
        rows = StripeCursor.objects.filter(name=CURSOR)
        rows.update(read_until=Greatest(F("read_until"), to))
