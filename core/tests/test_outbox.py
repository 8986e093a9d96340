"""The outbox: with the transaction or not at all, delivered once, retried, given up visibly."""

import datetime as dt
import threading
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db import connection, transaction
from django.utils import timezone

from core import events, outbox
from core.events import Event
from core.ids import new_id
from core.models import AuditEntry, OutboxDelivery, OutboxEvent


@dataclass(frozen=True, kw_only=True)
class Happened(Event):
    name = "tests.happened"
    thing_id: uuid.UUID
    amount: Decimal
    at: dt.datetime
    note: str | None = None


@pytest.fixture
def happened() -> Happened:
    return Happened(thing_id=uuid.uuid4(), amount=Decimal("1.10"), at=timezone.now())


@pytest.fixture
def handlers() -> Iterator[dict[str, outbox.Handler]]:
    """The handlers of `Happened`, for a test to fill."""
    mine = outbox._handlers.setdefault(Happened.name, {})
    mine.clear()
    yield mine
    outbox._handlers.pop(Happened.name)


def leave_a_trace(event: Happened) -> None:
    AuditEntry.objects.create(action="happened", target_type="test", target_id=str(event.thing_id))


def fail_after_writing(event: Happened) -> None:
    leave_a_trace(event)
    raise RuntimeError("handler is broken")


def test_an_event_survives_its_journey(happened: Happened) -> None:
    again = events.load(event_id=happened.id, name=happened.name, payload=happened.payload())
    assert again == happened


@pytest.mark.django_db(transaction=True)
def test_recording_needs_a_transaction(happened: Happened) -> None:
    with pytest.raises(RuntimeError, match="needs a transaction"):
        outbox.record(happened)
    assert OutboxEvent.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_a_rollback_takes_the_event_with_it(
    happened: Happened, handlers: dict[str, outbox.Handler]
) -> None:
    handlers["trace"] = leave_a_trace
    with transaction.atomic():
        outbox.record(happened)
        transaction.set_rollback(True)
    assert not OutboxEvent.objects.exists()
    assert not OutboxDelivery.objects.exists()


@pytest.mark.django_db
def test_each_handler_gets_its_own_delivery(
    happened: Happened, handlers: dict[str, outbox.Handler]
) -> None:
    seen: list[Event] = []
    handlers["one"] = seen.append
    handlers["two"] = leave_a_trace
    outbox.record(happened)
    assert outbox.deliver_due() == 2
    assert seen == [happened]
    assert AuditEntry.objects.count() == 1
    assert set(OutboxDelivery.objects.values_list("status", flat=True)) == {"delivered"}
    assert outbox.deliver_due() == 0


@pytest.mark.django_db
def test_a_failure_undoes_the_handlers_work_and_backs_off(
    happened: Happened, handlers: dict[str, outbox.Handler], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "FIRST_BACKOFF", dt.timedelta(hours=1))
    handlers["broken"] = fail_after_writing
    outbox.record(happened)
    assert outbox.deliver_due() == 1
    delivery = OutboxDelivery.objects.get()
    assert (delivery.status, delivery.attempts) == ("pending", 1)
    assert "handler is broken" in delivery.last_error
    assert delivery.next_attempt_at > timezone.now()
    assert AuditEntry.objects.count() == 0
    assert outbox.deliver_due() == 0, "not due yet"


@pytest.mark.django_db
def test_a_workers_time_that_is_up_is_no_failure_of_the_handler(
    happened: Happened, handlers: dict[str, outbox.Handler]
) -> None:
    """Nor is anything else begun, or the worker would be killed in the middle of it."""

    def take_too_long(event: Happened) -> None:
        raise SoftTimeLimitExceeded

    handlers["slow"] = take_too_long
    outbox.record(happened)
    with pytest.raises(SoftTimeLimitExceeded):
        outbox.deliver_due()
    delivery = OutboxDelivery.objects.get()
    assert (delivery.status, delivery.attempts, delivery.last_error) == ("pending", 1, "")


@pytest.mark.django_db(transaction=True)
def test_one_broken_handler_does_not_hold_up_the_other(
    happened: Happened, handlers: dict[str, outbox.Handler]
) -> None:
    handlers["broken"] = fail_after_writing
    handlers["fine"] = leave_a_trace
    with transaction.atomic():
        outbox.record(happened)
    outbox.deliver_due()
    assert dict(OutboxDelivery.objects.values_list("handler", "status")) == {
        "broken": "pending",
        "fine": "delivered",
    }
    assert AuditEntry.objects.count() == 1


class Killed(BaseException):
    """The worker's process ends here: nothing after it is run."""


def kill_the_worker(event: Happened) -> None:
    leave_a_trace(event)
    raise Killed


def lose_the_connection(event: Happened) -> None:
    leave_a_trace(event)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("poison", [kill_the_worker, lose_the_connection])
def test_a_delivery_that_takes_its_worker_down_does_not_hold_up_others(
    happened: Happened, handlers: dict[str, outbox.Handler], poison: outbox.Handler
) -> None:
    handlers["a poison"] = poison
    handlers["fine"] = leave_a_trace
    with transaction.atomic():
        outbox.record(happened)
    OutboxDelivery.objects.filter(handler="a poison").update(
        next_attempt_at=timezone.now() - dt.timedelta(hours=1)
    )
    for _ in range(2):
        with suppress(Killed):
            outbox.deliver_due()
    assert dict(OutboxDelivery.objects.values_list("handler", "status")) == {
        "a poison": "pending",
        "fine": "delivered",
    }
    assert AuditEntry.objects.count() == 1, "what the poison wrote is gone"

    OutboxDelivery.objects.filter(handler="a poison").update(
        attempts=outbox.MAX_ATTEMPTS, next_attempt_at=timezone.now()
    )
    outbox.deliver_due()
    assert OutboxDelivery.objects.get(handler="a poison").status == "dead"


@pytest.mark.django_db
def test_it_gives_up_in_sight_of_staff_who_can_resend(
    happened: Happened, handlers: dict[str, outbox.Handler]
) -> None:
    handlers["broken"] = fail_after_writing
    outbox.record(happened)
    OutboxDelivery.objects.update(attempts=outbox.MAX_ATTEMPTS - 1)
    outbox.deliver_due()
    delivery = OutboxDelivery.objects.get()
    assert delivery.status == "dead"

    handlers["broken"] = leave_a_trace
    assert outbox.deliver_due() == 0
    assert outbox.resend(delivery_ids=[delivery.id]) == 1
    assert outbox.deliver_due() == 1
    assert AuditEntry.objects.count() == 1


@pytest.mark.django_db
def test_an_unknown_handler_is_kept_not_lost(
    happened: Happened, handlers: dict[str, outbox.Handler]
) -> None:
    handlers["old-name"] = leave_a_trace
    outbox.record(happened)
    del handlers["old-name"]
    outbox.deliver_due()
    assert OutboxDelivery.objects.get().status == "pending"


@pytest.mark.django_db(transaction=True)
def test_workers_at_once_deliver_once(
    happened: Happened, handlers: dict[str, outbox.Handler]
) -> None:
    handlers["trace"] = leave_a_trace
    with transaction.atomic():
        for _ in range(10):
            outbox.record(replace(happened, id=new_id()))
    start = threading.Barrier(5)

    def work() -> None:
        start.wait()
        try:
            outbox.deliver_due()
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert AuditEntry.objects.count() == 10
    assert set(OutboxDelivery.objects.values_list("attempts", flat=True)) == {1}


@pytest.mark.django_db
def test_only_what_is_long_delivered_is_pruned(
    happened: Happened, handlers: dict[str, outbox.Handler]
) -> None:
    handlers["trace"] = leave_a_trace
    outbox.record(happened)
    outbox.deliver_due()
    old = outbox.record(replace(happened, id=new_id()))
    long_ago = timezone.now() - outbox.KEEP_DELIVERED - dt.timedelta(days=1)
    OutboxEvent.objects.update(recorded_at=long_ago)
    outbox.prune_delivered()
    assert list(OutboxEvent.objects.values_list("id", flat=True)) == [old], "undelivered stays"


def test_back_off_doubles_up_to_an_hour() -> None:
    delays = [outbox.back_off_delay(attempts=n).total_seconds() for n in (1, 2, 3, 12, 100)]
    assert delays == [2, 4, 8, 3600, 3600]
