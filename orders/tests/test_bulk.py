"""Many rows written by one statement."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db import DataError, connection, transaction
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from core.bulk import insert_all, insert_missing, update_each, write_array
from core.models import OutboxDelivery, OutboxEvent
from orders.models import Order
from tests.factories import OrderFactory

pytestmark = pytest.mark.django_db
AT = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)


def test_each_row_gets_its_own_values() -> None:
    orders = [OrderFactory.create() for _ in range(3)]
    left = OrderFactory.create()
    for number, order in enumerate(orders):
        order.payment_id = f"pi_{number}\n'\"{{}},\\"
        order.refunded_amount = Decimal(number)
        order.payment_in_progress_since = AT if number == 1 else None
        order.failure_reason = "not written"
    with CaptureQueriesContext(connection) as queries:
        update_each(orders, fields=["payment_id", "refunded_amount", "payment_in_progress_since"])
    assert len(queries) == 1
    for number, order in enumerate(orders):
        found = Order.objects.get(id=order.id)
        assert found.payment_id == order.payment_id
        assert found.refunded_amount == number
        assert found.payment_in_progress_since == order.payment_in_progress_since
        assert found.failure_reason == ""
    assert Order.objects.get(id=left.id).payment_id == ""


def test_none_takes_no_statement() -> None:
    with CaptureQueriesContext(connection) as queries:
        update_each([], fields=["payment_id"])
    assert len(queries) == 0


def test_what_does_not_fit_is_refused_and_not_cut() -> None:
    order = OrderFactory.create()
    order.failure_reason = "x" * 21
    with pytest.raises(DataError), transaction.atomic():
        update_each([order], fields=["failure_reason"])


ODD = 'it\'s \n \\ "{a,b}" NULL \\" %s ü 💸'


def an_event(**given: Any) -> OutboxEvent:
    return OutboxEvent(**{"name": "tests.happened", "payload": {}, **given})


def test_rows_are_written_as_they_are() -> None:
    events = [an_event(payload={"words": [ODD, None, 1.5]}, name=ODD), an_event()]
    with CaptureQueriesContext(connection) as queries:
        assert insert_all(event for event in events) == events
    assert len(queries) == 1
    for event in events:
        found = OutboxEvent.objects.get(id=event.id)
        assert (found.name, found.payload) == (event.name, event.payload)
        assert found.recorded_at == event.recorded_at
        assert not event._state.adding


def test_rows_refer_to_each_other_and_have_what_their_fields_default_to() -> None:
    [event] = insert_all([an_event()])
    deliveries = [
        OutboxDelivery(event=event, handler=name, status=status, next_attempt_at=AT)
        for name, status in (("a", OutboxDelivery.Status.PENDING), ("b", "dead"))
    ]
    insert_all(deliveries)
    found = event.deliveries.order_by("handler")
    assert [(one.status, one.attempts, one.delivered_at, one.queue) for one in found] == [
        ("pending", 0, None, "learning"), ("dead", 0, None, "learning"),
    ]  # fmt: skip


def test_only_what_is_missing_is_written() -> None:
    [there] = insert_all([an_event()])
    twin, new = an_event(id=there.id, name="tests.other"), an_event()
    with CaptureQueriesContext(connection) as queries:
        assert insert_missing([twin, new]) == [new]
    assert len(queries) == 1
    assert OutboxEvent.objects.get(id=there.id).name == there.name
    assert insert_missing([twin]) == []


def test_inserting_none_takes_no_statement() -> None:
    with CaptureQueriesContext(connection) as queries:
        assert insert_all([]) == insert_missing([]) == []
    assert len(queries) == 0


@pytest.mark.parametrize("text", ["x" * 101, "a\0b"])
def test_a_new_row_that_does_not_fit_is_refused_and_not_cut(text: str) -> None:
    with pytest.raises((DataError, ValueError)), transaction.atomic():
        insert_all([an_event(name=text)])


@pytest.mark.parametrize("value", [F("name"), AT.replace(tzinfo=None), [1], object()])
def test_an_array_takes_no_value_that_it_does_not_know(value: object) -> None:
    with pytest.raises(TypeError):
        write_array([value])
