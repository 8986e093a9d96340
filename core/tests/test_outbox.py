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
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core import events, outbox
from core.events import Event
from core.ids import new_id
from core.logging import current_id, on_behalf_of
from core.models import AuditEntry, OutboxDelivery, OutboxEvent
from core.nudge import nudge_for_rest


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
    for _ in range(3):
        with suppress(Killed):
            outbox.deliver_due()
        # Once it took the other along; when their claims lapse, two seconds later, it is alone.
        OutboxDelivery.objects.filter(status="pending", attempts=1).update(
            next_attempt_at=timezone.now()
        )
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
    assert outbox.resend(delivery_ids=[delivery.id], actor_id=None) == 1
    assert outbox.deliver_due() == 1
    assert AuditEntry.objects.exclude(action="outboxdelivery.resend").count() == 1


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


# --- Many together -----------------------------------------------------------------------------


@pytest.fixture
def many(handlers: dict[str, outbox.Handler], monkeypatch: pytest.MonkeyPatch) -> list[list[Event]]:
    """What a handler that takes many was given, each time that it was called."""
    given: list[list[Event]] = []
    monkeypatch.setattr(outbox, "_take_many", {"many"})
    handlers["many"] = lambda happened: given.append(list(happened))
    return given


def happen(happened: Happened, count: int, *, cause: str = "") -> list[Happened]:
    made = [replace(happened, id=new_id(), thing_id=uuid.uuid4()) for _ in range(count)]
    with on_behalf_of(cause), transaction.atomic():
        outbox.record_all(made)
    return made


@pytest.mark.django_db
def test_a_handler_that_takes_many_is_given_them_together(
    happened: Happened, many: list[list[Event]]
) -> None:
    made = happen(happened, 3)
    assert outbox.deliver_due() == 3
    [given] = many
    assert {event.id for event in given} == {event.id for event in made}
    assert set(OutboxDelivery.objects.values_list("status", "attempts")) == {("delivered", 1)}


@pytest.mark.django_db
def test_delivering_many_takes_as_many_statements_as_one(
    happened: Happened, many: list[list[Event]]
) -> None:
    happen(happened, 1)
    with CaptureQueriesContext(connection) as one:
        outbox.deliver_due()
    happen(happened, 15)
    with CaptureQueriesContext(connection) as other:
        assert outbox.deliver_due() == 15
    assert [len(group) for group in many] == [1, 15]
    assert len(other) == len(one)


@pytest.mark.django_db
def test_what_different_requests_caused_is_delivered_on_behalf_of_each(
    happened: Happened, handlers: dict[str, outbox.Handler], many: list[list[Event]]
) -> None:
    seen: list[tuple[str, int]] = []
    handlers["many"] = lambda given: seen.append((current_id(), len(given)))
    happen(happened, 2, cause="request-0001")
    happen(happened, 3, cause="request-0002")
    assert outbox.deliver_due() == 5
    assert sorted(seen) == [("request-0001", 2), ("request-0002", 3)]


@pytest.mark.django_db(transaction=True)
def test_one_that_cant_be_taken_keeps_the_others_from_nothing(
    happened: Happened, handlers: dict[str, outbox.Handler], many: list[list[Event]]
) -> None:
    made = happen(happened, 3)

    def refuse_the_second(given: list[Happened]) -> None:
        for event in given:
            leave_a_trace(event)
            if event.id == made[1].id:
                raise RuntimeError("not this one")

    handlers["many"] = refuse_the_second
    assert outbox.deliver_due() == 3
    status = dict(OutboxDelivery.objects.values_list("event_id", "status"))
    assert [status[event.id] for event in made] == ["delivered", "pending", "delivered"]
    assert AuditEntry.objects.count() == 2, "what was undone with the others was done once more"


@pytest.mark.django_db
def test_what_failed_before_is_claimed_alone(happened: Happened, many: list[list[Event]]) -> None:
    """It may be what takes workers down."""
    happen(happened, 3)
    first = OutboxDelivery.objects.order_by("next_attempt_at").first()
    assert first is not None
    OutboxDelivery.objects.filter(id=first.id).update(attempts=1, next_attempt_at=timezone.now())
    OutboxDelivery.objects.exclude(id=first.id).update(next_attempt_at=timezone.now())
    assert outbox.deliver_due() == 3
    assert sorted(len(group) for group in many) == [1, 2]


def test_a_run_that_did_all_it_may_asks_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, str]] = []
    monkeypatch.setattr("core.nudge.nudge", lambda task, **given: asked.append(given))
    nudge_for_rest(outbox.TASK, tried=99, limit=100, queue="money")
    assert not asked
    nudge_for_rest(outbox.TASK, tried=100, limit=100, queue="money")
    assert asked == [{"queue": "money"}]
