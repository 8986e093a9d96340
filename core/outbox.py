"""The outbox: events are recorded with the business transaction and delivered at least once.

`record` refuses to run outside a transaction. A delivery's work and its mark share one transaction,
so a handler's database effects happen exactly once; whatever else it does may happen twice.

Deliveries are claimed some at a time. A handler that takes many (`subscribe_many`) is given those
of its events that one request caused together, in one transaction; should it fail for whatever
reason, each is delivered for itself.
"""

import datetime as dt
import itertools
import logging
import uuid
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from celery.exceptions import SoftTimeLimitExceeded
from django.db import connection, transaction
from django.utils import timezone

from core import audit, events
from core.bulk import insert_all, update_each
from core.events import Event
from core.logging import current_id, on_behalf_of
from core.models import OutboxDelivery, OutboxEvent
from core.nudge import nudge, nudge_for_rest
from core.pruning import prune

logger = logging.getLogger(__name__)

E = TypeVar("E", bound=Event)
F = TypeVar("F", bound=Callable[..., None])
Handler = Callable[[Any], None]

MAX_ATTEMPTS = 20
FIRST_BACKOFF = dt.timedelta(seconds=2)
LONGEST_BACKOFF = dt.timedelta(hours=1)
KEEP_DELIVERED = dt.timedelta(days=30)

TASK = "core.tasks.deliver_outbox"
# As many deliveries as are claimed together.
TOGETHER = 20

DEFAULT_QUEUE = "learning"

_handlers: dict[str, dict[str, Handler]] = {}
# By the handler's name.
_queues: dict[str, str] = {}
# Those that are given a sequence of events.
_take_many: set[str] = set()


def subscribe(
    event_type: type[E], *, name: str | None = None, queue: str = DEFAULT_QUEUE
) -> Callable[[Callable[[E], None]], Callable[[E], None]]:
    """Register a handler for an event type, under a name that must stay the same across releases.

    Handlers only write to the database and may be called more than once for the same event. Many
    deliveries in one `queue` hold up none in another.
    """

    return _register(event_type, name, queue)


def subscribe_many(
    event_type: type[E], *, name: str | None = None, queue: str = DEFAULT_QUEUE
) -> Callable[[Callable[[Sequence[E]], None]], Callable[[Sequence[E]], None]]:
    """Register, as `subscribe` does, a handler of one event or many: it does for all of them, in
    one transaction, what it does for each, and takes no locks that others wait for."""

    def register(handler: Callable[[Sequence[E]], None]) -> Callable[[Sequence[E]], None]:
        _take_many.add(name or _name_of(handler))
        return _register(event_type, name, queue)(handler)

    return register


def _register(event_type: type[Event], name: str | None, queue: str) -> Callable[[F], F]:
    def register(handler: F) -> F:
        key = name or _name_of(handler)
        _handlers.setdefault(event_type.name, {})[key] = handler
        _queues[key] = queue
        return handler

    return register


def _name_of(handler: Callable[..., None]) -> str:
    return f"{handler.__module__}.{handler.__qualname__}"


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
    rows = insert_all(
        OutboxEvent(id=event.id, name=event.name, payload=event.payload(), request_id=current_id())
        for event in events
    )
    now = timezone.now()
    deliveries = insert_all(
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
    while tried < limit and (claimed := _claim(queue, limit=min(TOGETHER, limit - tried))):
        tried += len(claimed)
        for group in _group(claimed):
            _deliver_group(group)
    if queue is not None:
        nudge_for_rest(TASK, tried=tried, limit=limit, queue=queue)
    return tried


def resend(*, delivery_ids: list[uuid.UUID], actor_id: uuid.UUID | None) -> int:
    """Make dead deliveries due again; returns how many there were. Audited."""
    chosen = OutboxDelivery.objects.filter(id__in=delivery_ids, status=OutboxDelivery.Status.DEAD)
    with audit.recording(chosen, actor_id=actor_id, action="outboxdelivery.resend") as dead:
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


def _claim(queue: str | None, *, limit: int) -> list[OutboxDelivery]:
    """Count the attempts and set the times of the next before anything is tried: a delivery that
    takes its worker down with it is out of the others' way by then. Only such as are new are taken
    together, so that it takes others along once at most."""
    now = timezone.now()
    due = OutboxDelivery.objects.filter(
        status=OutboxDelivery.Status.PENDING, next_attempt_at__lte=now
    )
    if queue is not None:
        due = due.filter(queue=queue)
    with transaction.atomic():
        locked = list(
            due.select_for_update(skip_locked=True, of=("self",))
            .select_related("event")
            .order_by("next_attempt_at")[:limit]
        )
        new = itertools.takewhile(lambda one: one.attempts == 0, locked)
        deliveries = list(new) or locked[:1]
        for delivery in deliveries:
            delivery.attempts += 1
            delivery.next_attempt_at = now + back_off_delay(attempts=delivery.attempts)
        update_each(deliveries, fields=["attempts", "next_attempt_at"])
    return deliveries


def _group(claimed: Sequence[OutboxDelivery]) -> list[list[OutboxDelivery]]:
    """Put together what a handler takes together: of one cause, whose request log lines and rows
    are to name."""
    groups: dict[object, list[OutboxDelivery]] = {}
    for one in claimed:
        key = (one.handler, one.event.request_id) if one.handler in _take_many else one.id
        groups.setdefault(key, []).append(one)
    return list(groups.values())


def _deliver_group(group: Sequence[OutboxDelivery]) -> None:
    with on_behalf_of(group[0].event.request_id):
        if len(group) > 1 and _deliver_together(group):
            return
        for claimed in group:
            try:
                _deliver([claimed])
            except SoftTimeLimitExceeded:
                # The worker's time is up, whatever it was at: the claim says when it is tried
                # again.
                raise
            except Exception as exc:
                logger.exception("outbox delivery %s to %s failed", claimed.id, claimed.handler)
                _note_failure(claimed, exc)


def _deliver_together(group: Sequence[OutboxDelivery]) -> bool:
    """Deliver all of them; False, with nothing done, when anything goes wrong."""
    try:
        _deliver(group)
    except SoftTimeLimitExceeded:
        raise
    except Exception as exc:
        logger.info("%s doesn't take %s together: %r", group[0].handler, len(group), exc)
        return False
    return True


def _deliver(claimed: Sequence[OutboxDelivery]) -> None:
    """Run the handler and mark its deliveries in one transaction. Their locks, not the claims, keep
    others away: a handler may take longer than the first back-off. The locks are waited for: a
    worker that looks for its next claim holds them for a moment, even on rows that it then leaves
    alone."""
    attempts = {one.id: one.attempts for one in claimed}
    if max(attempts.values()) > MAX_ATTEMPTS:
        raise RuntimeError("the worker never came back from it")
    with transaction.atomic():
        rows = (
            OutboxDelivery.objects.select_for_update(of=("self",))
            .select_related("event")
            .filter(id__in=attempts, status=OutboxDelivery.Status.PENDING)
            .order_by("id")
        )
        due = [row for row in rows if row.attempts == attempts[row.id]]
        if not due:
            return
        _call(due)
        OutboxDelivery.objects.filter(id__in=[row.id for row in due]).update(
            status=OutboxDelivery.Status.DELIVERED, delivered_at=timezone.now()
        )
    for row in due:
        logger.info("%s %s delivered to %s", row.event.name, row.event_id, row.handler)


def _call(due: Sequence[OutboxDelivery]) -> None:
    """Call the handler that all of them are for."""
    loaded = [
        events.load(event_id=row.event.id, name=row.event.name, payload=row.event.payload)
        for row in due
    ]
    handler = _handlers[due[0].event.name][due[0].handler]
    if due[0].handler in _take_many:
        handler(loaded)
        return
    for event in loaded:
        handler(event)


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
