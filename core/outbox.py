"""The outbox: events are recorded with the business transaction and delivered at least once.

`record` refuses to run outside a transaction. A delivery's work and its mark share one transaction,
so a handler's database effects happen exactly once; whatever else it does may happen twice.
"""

import datetime as dt
import logging
import uuid
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from celery.exceptions import SoftTimeLimitExceeded
from django.db import connection, transaction
from django.utils import timezone

from core import events
from core.events import Event
from core.logging import current_id, on_behalf_of
from core.models import OutboxDelivery, OutboxEvent
from core.nudge import nudge, nudge_for_rest
from core.pruning import prune

logger = logging.getLogger(__name__)

E = TypeVar("E", bound=Event)
Handler = Callable[[Any], None]

MAX_ATTEMPTS = 20
FIRST_BACKOFF = dt.timedelta(seconds=2)
LONGEST_BACKOFF = dt.timedelta(hours=1)
KEEP_DELIVERED = dt.timedelta(days=30)

TASK = "core.tasks.deliver_outbox"


DEFAULT_QUEUE = "learning"

_handlers: dict[str, dict[str, Handler]] = {}
# By the handler's name.
_queues: dict[str, str] = {}


def subscribe(
    event_type: type[E], *, name: str | None = None, queue: str = DEFAULT_QUEUE
) -> Callable[[Callable[[E], None]], Callable[[E], None]]:
    """Register a handler for an event type, under a name that must stay the same across releases.

    Handlers only write to the database and may be called more than once for the same event. Many
    deliveries in one `queue` hold up none in another.
    """

    def register(handler: Callable[[E], None]) -> Callable[[E], None]:
        key = name or f"{handler.__module__}.{handler.__qualname__}"
        _handlers.setdefault(event_type.name, {})[key] = handler
        _queues[key] = queue
        return handler

    return register


def record(event: Event) -> uuid.UUID:
    """Store the event and a delivery for each subscribed handler; returns the event's id.

    Raises RuntimeError outside a transaction: an event that could be committed without its cause,
    or lost with it, is no event.
    """
    record_all([event])
    return event.id


def record_all(events: Sequence[Event]) -> None:
    """Store many events, as `record` does each, by two statements; none takes none."""
    if not connection.in_atomic_block:
        raise RuntimeError("outbox.record() needs a transaction")
    if not events:
        return
    rows = OutboxEvent.objects.bulk_create(
        OutboxEvent(id=event.id, name=event.name, payload=event.payload(), request_id=current_id())
        for event in events
    )
    now = timezone.now()
    deliveries = OutboxDelivery.objects.bulk_create(
        OutboxDelivery(event=row, handler=name, queue=queue_of(name), next_attempt_at=now)
        for row in rows
        for name in sorted(_handlers.get(row.name, {}))
    )
    _nudge_after_commit({delivery.queue for delivery in deliveries})


def queue_of(handler: str) -> str:
    """Return the queue whose workers call the handler of that name."""
    return _queues.get(handler, DEFAULT_QUEUE)


def deliver_due(*, limit: int = 100, queue: str | None = None) -> int:
    """Deliver up to `limit` due deliveries of one queue, or of all, oldest first; returns how many
    were tried."""
    tried = 0
    while tried < limit and _deliver_next(queue):
        tried += 1
    if queue is not None:
        nudge_for_rest(TASK, tried=tried, limit=limit, queue=queue)
    return tried


def resend(*, delivery_ids: list[uuid.UUID]) -> int:
    """Make dead deliveries due again; returns how many there were."""
    with transaction.atomic():
        dead = OutboxDelivery.objects.filter(id__in=delivery_ids, status=OutboxDelivery.Status.DEAD)
        queues = set(dead.values_list("queue", flat=True))
        count = dead.update(
            status=OutboxDelivery.Status.PENDING,
            attempts=0,
            next_attempt_at=timezone.now(),
        )
        _nudge_after_commit(queues)
    return count


def prune_delivered() -> int:
    """Delete events whose every delivery was made long ago; returns how many."""
    old = OutboxEvent.objects.filter(recorded_at__lt=timezone.now() - KEEP_DELIVERED)
    return prune(
        old.exclude(
            deliveries__status__in=[OutboxDelivery.Status.PENDING, OutboxDelivery.Status.DEAD]
        )
    )


def _nudge_after_commit(queues: set[str]) -> None:
    def tell() -> None:
        for queue in sorted(queues):
            nudge(TASK, queue=queue)

    transaction.on_commit(tell)


def _deliver_next(queue: str | None) -> bool:
    """Claim and deliver one due delivery. False when there is none."""
    claimed = _claim_next(queue)
    if claimed is None:
        return False
    with on_behalf_of(claimed.event.request_id):
        try:
            _deliver(claimed)
        except SoftTimeLimitExceeded:
            # The worker's time is up, whatever it was at: the claim says when it is tried again.
            raise
        except Exception as exc:
            logger.exception("outbox delivery %s to %s failed", claimed.id, claimed.handler)
            _note_failure(claimed, exc)
    return True


def _claim_next(queue: str | None) -> OutboxDelivery | None:
    """Count the attempt and set the time of the next before anything is tried: a delivery that
    takes its worker down with it is out of the others' way by then."""
    now = timezone.now()
    due = OutboxDelivery.objects.filter(
        status=OutboxDelivery.Status.PENDING, next_attempt_at__lte=now
    )
    if queue is not None:
        due = due.filter(queue=queue)
    with transaction.atomic():
        delivery = (
            due.select_for_update(skip_locked=True, of=("self",))
            .select_related("event")
            .order_by("next_attempt_at")
            .first()
        )
        if delivery is not None:
            delivery.attempts += 1
            delivery.next_attempt_at = now + back_off_delay(attempts=delivery.attempts)
            delivery.save(update_fields=["attempts", "next_attempt_at"])
    return delivery


def _deliver(claimed: OutboxDelivery) -> None:
    """Run the handler and mark the delivery in one transaction. Its lock, not the claim, keeps
    others away: a handler may take longer than the first back-off. The lock is waited for: a worker
    that looks for its next claim holds it for a moment, even on rows that it then leaves alone."""
    if claimed.attempts > MAX_ATTEMPTS:
        raise RuntimeError("the worker never came back from it")
    with transaction.atomic():
        delivery = (
            OutboxDelivery.objects.select_for_update(of=("self",))
            .select_related("event")
            .filter(
                id=claimed.id,
                status=OutboxDelivery.Status.PENDING,
                attempts=claimed.attempts,
            )
            .first()
        )
        if delivery is None:
            return
        _call(delivery)
        delivery.status = OutboxDelivery.Status.DELIVERED
        delivery.delivered_at = timezone.now()
        delivery.save(update_fields=["status", "delivered_at"])
    logger.info("%s %s delivered to %s", delivery.event.name, delivery.event_id, delivery.handler)


def _call(delivery: OutboxDelivery) -> None:
    row = delivery.event
    event = events.load(event_id=row.id, name=row.name, payload=row.payload)
    _handlers[row.name][delivery.handler](event)


def _note_failure(claimed: OutboxDelivery, exc: Exception) -> None:
    dead = claimed.attempts >= MAX_ATTEMPTS
    OutboxDelivery.objects.filter(
        id=claimed.id, status=OutboxDelivery.Status.PENDING, attempts=claimed.attempts
    ).update(
        status=OutboxDelivery.Status.DEAD if dead else OutboxDelivery.Status.PENDING,
        next_attempt_at=timezone.now() + back_off_delay(attempts=claimed.attempts),
        last_error=f"{type(exc).__name__}: {exc}"[:2000],
    )


def back_off_delay(*, attempts: int) -> dt.timedelta:
    """Return how long to wait after this many failures: doubling, capped at an hour."""
    doublings = min(attempts - 1, 20)
    return min(FIRST_BACKOFF * int(2**doublings), LONGEST_BACKOFF)
