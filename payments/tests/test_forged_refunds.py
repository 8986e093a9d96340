"""A refund that is due moves money: none is sent that was made by SQL alone."""

import uuid
from decimal import Decimal

import pytest
from django.db import connection

from devtools.stripe_standin.client import StandIn
from enrollments import services as enrollment_services
from orders.models import Order
from payments import books, services
from payments.models import Payment, Refund
from payments.tests.conftest import Pay, confirm, start_payment
from payments.tests.money import assert_books_hold, dispute_facts, make_order, plan_decided, settle
from tests.emptying import unguarded
from tests.factories import StaffFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def payment(order: Order, standin: StandIn, pay: Pay) -> Payment:
    """A settled payment of 99.98."""
    intent = start_payment(order)
    pay(intent)
    confirm(order, intent)
    return Payment.objects.get()


def forge(payment: Payment, reason: str, *, at: str = "now()") -> str:
    """A refund of 10.00 as its own writer would have it, reserved and all; its id."""
    key = str(uuid.uuid4())
    with unguarded(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO payments_refund (id, created_at, updated_at, payment_id, amount, reason,"
            " note, status, attempts, shortages, next_attempt_at, last_error, failure_reason)"
            f" VALUES ('{key}', {at}, now(), '{payment.id}', 10, '{reason}', '', 'due', 0, 0,"
            " now(), '', '')"
        )
        cursor.execute(
            f"UPDATE payments_payment SET refunding_amount = 10 WHERE id = '{payment.id}'"
        )
    return key


@pytest.mark.parametrize("at", ["now()", "'1960-01-01'"])
@pytest.mark.parametrize(
    "reason",
    ["at_stripe", "already_owned", "late_payment", "duplicate_payment", "requested", "kindness"],
)
def test_a_refund_that_nobody_decided_is_not_sent(
    payment: Payment, standin: StandIn, reason: str, at: str
) -> None:
    forge(payment, reason, at=at)
    services.send_due_refunds()
    refund = Refund.objects.get()
    assert standin.counts().get("refunds.create", 0) == 0
    assert (refund.status, refund.last_error.split(":")[0]) == ("due", "RefundNotDecided")


def test_nor_is_one_of_a_line_that_nobody_owned(payment: Payment, standin: StandIn) -> None:
    refund_id = forge(payment, "already_owned")
    item = payment.order.items.first()
    assert item is not None
    with unguarded(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE orders_orderitem SET state = 'canceled' WHERE id = '{item.id}'")
        cursor.execute(
            "INSERT INTO payments_refundline"
            " (id, created_at, updated_at, refund_id, order_item_id, amount)"
            f" VALUES (gen_random_uuid(), now(), now(), '{refund_id}', '{item.id}', 10)"
        )
    services.send_due_refunds()
    assert standin.counts().get("refunds.create", 0) == 0


def test_nor_is_one_by_what_was_decided_of_another_order(
    payment: Payment, standin: StandIn
) -> None:
    decided = plan_decided(settle(make_order("40.00")), "10.00")
    with unguarded(), connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE payments_refund SET payment_id = '{payment.id}' WHERE id = '{decided.id}'"
        )
    services.send_due_refunds()
    assert standin.counts().get("refunds.create", 0) == 0


def test_what_staff_decided_is_sent(payment: Payment, standin: StandIn) -> None:
    plan_decided(payment, "10.00")
    services.send_due_refunds()
    assert Refund.objects.get().status == "succeeded"
    assert standin.counts()["refunds.create"] == 1


def test_a_course_bought_again_after_an_appeal_is_the_rules() -> None:
    payment = settle(make_order("40.00"))
    for status in ("needs_response", "lost"):
        services.sync_dispute(facts=dispute_facts(payment, status))
    item = payment.order.items.get()
    settle(make_order("40.00", user=payment.order.user, courses=[item.course]))
    services.sync_dispute(facts=dispute_facts(payment, "won"))
    refund = Refund.objects.get()
    assert (refund.reason, refund.amount) == ("already_owned", Decimal("40.00"))
    assert books.is_decided(refund_id=refund.id)
    assert_books_hold()


def test_a_course_that_the_buyer_was_given_is_the_rules() -> None:
    order = make_order("40.00", "20.00")
    item = order.items.order_by("price_at_purchase")[0]
    assert order.user_id is not None
    enrollment_services.grant_access(
        user_id=order.user_id, course_id=item.course_id, actor_id=StaffFactory.create().id
    )
    settle(order)
    refund = Refund.objects.get()
    assert (refund.reason, refund.amount) == ("already_owned", Decimal("20.00"))
    assert books.is_decided(refund_id=refund.id)
    assert_books_hold()
