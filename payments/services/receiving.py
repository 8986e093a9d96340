"""The inbox's door: events are stored once by Stripe's id, and nothing else is done about them."""

import datetime as dt
import json
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Final

from django.conf import settings
from django.db import DataError, connection, transaction
from django.utils import timezone

from core.bulk import write_array
from core.logging import current_id
from core.nudge import nudge
from payments import stripe_gateway
from payments.models import StripeEvent
from payments.services.inbox import HANDLED_TYPES, TASK
from payments.services.questions import CHARGE_UPDATED
from payments.stripe_gateway import EventFacts
from payments.stripe_payloads import keep_of

# In a request's environ: what somebody before the view was refused with as they stored its event,
# and what the view says without waiting for it all again.
REFUSED_AHEAD: Final = "learnflow.stripe_event_refused_ahead"

_STORED: Final = (
    "id", "type", "object_id", "status", "created_at_stripe", "received_at", "next_attempt_at",
    "request_id",
)  # fmt: skip
# One statement, and so a transaction by itself.
_INSERT: Final = """
    INSERT INTO payments_stripeevent
        (id, type, object_id, status, created_at_stripe, received_at, next_attempt_at, request_id,
         payload, attempts, last_error)
    SELECT new.*, 0, '' FROM unnest(
        %s::text[], %s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[],
        %s::timestamptz[], %s::text[], %s::jsonb[]
    ) new
    ON CONFLICT DO NOTHING RETURNING status, next_attempt_at
"""


def receive_event(*, raw_body: bytes, signature: str) -> bool:
    """Verify and store an event; True when it is new. Raises InvalidSignature.

    One statement: the same event twenty times at once is one row. Of the payload only ids and
    states are kept (`payments.stripe_payloads`). It is only for people to read, so an event with
    text PostgreSQL can't store (NUL, half a surrogate pair) goes without.
    """
    event = stripe_gateway.verify_event(raw_body=raw_body, signature=signature)
    return store_events(events=[event]) == 1


def store_events(*, events: Sequence[EventFacts]) -> int:
    """Store those that aren't here yet, due at once, but for what only tells of Stripe's fee
    (`STRIPE_FEE_DELAY`); returns how many that were."""
    try:
        return _store(events)
    except DataError:
        if len(events) > 1:
            return sum(store_events(events=[event]) for event in events)
        return _store([replace(event, payload={}) for event in events])


def _store(events: Sequence[EventFacts]) -> int:
    rows = [_row_of(event) for event in events]
    columns = [write_array(getattr(row, name) for row in rows) for name in _STORED]
    payloads = write_array(json.dumps(row.payload) for row in rows)
    # What can't be stored must leave a caller's transaction as it was.
    whole = transaction.atomic() if connection.in_atomic_block else nullcontext()
    with whole, connection.cursor() as cursor:
        cursor.execute(_INSERT, [*columns, payloads])
        stored = cursor.fetchall()
    now = timezone.now()
    if any(status == StripeEvent.Status.RECEIVED and due <= now for status, due in stored):
        transaction.on_commit(lambda: nudge(TASK))
    return len(stored)


def _row_of(event: EventFacts) -> StripeEvent:
    is_handled = event.type in HANDLED_TYPES and not event.is_thin
    now = timezone.now()
    waits = settings.STRIPE_FEE_DELAY if event.type == CHARGE_UPDATED else dt.timedelta()
    return StripeEvent(
        id=event.id,
        type=event.type,
        object_id=event.object_id,
        payload=keep_of(event.payload),
        status=StripeEvent.Status.RECEIVED if is_handled else StripeEvent.Status.IGNORED,
        created_at_stripe=event.created,
        received_at=now,
        next_attempt_at=now + waits,
        request_id=current_id(),
    )
