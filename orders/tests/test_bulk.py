"""Many rows written by one statement."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db import DataError, connection, transaction
from django.test.utils import CaptureQueriesContext

from core.bulk import update_each
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
