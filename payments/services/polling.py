"""The poll: what happened at Stripe is read from its list of events, whether a webhook came or not.

What is read goes into the inbox, where an event that came by webhook is known by its id.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from payments import stripe_gateway
from payments.services.inbox import HANDLED_TYPES
from payments.services.reading_on import Source, read_on
from payments.services.receiving import store_events
from payments.stripe_gateway import EventFacts, Page

CURSOR = "events"
# Where an installation begins that has never read the list.
FIRST_LOOK_BACK = dt.timedelta(days=3)
# Stripe keeps events this long; what is older, the comparison with Stripe finds.
KEPT_BY_STRIPE = dt.timedelta(days=30)


def poll_events() -> int:
    """Store the events that no webhook brought; returns how many. Raises PaymentsUnavailable.

    Does nothing where Stripe isn't configured. Safe to run twice at once, or to be killed.
    """
    return read_on(_EVENTS).found if stripe_gateway.is_configured() else 0


def _list_page(**given: Any) -> Page[EventFacts]:
    return stripe_gateway.list_events(types=HANDLED_TYPES, **given)


def _store(events: Sequence[EventFacts]) -> int:
    return store_events(events=events)


_EVENTS = Source[EventFacts](
    name=CURSOR,
    list_page=_list_page,
    store=_store,
    first_look_back=lambda: FIRST_LOOK_BACK,
    kept=KEPT_BY_STRIPE,
)
