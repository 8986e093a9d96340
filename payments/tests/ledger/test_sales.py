"""What settlement writes down."""

from dataclasses import replace
from decimal import Decimal

import pytest

from core.money import from_minor
from devtools.stripe_standin.client import StandIn
from orders.models import Order, OrderItem
from payments import services, stripe_gateway
from payments.models import LedgerEntry, LedgerTransaction, Payment, RevenueShare
from payments.tests.conftest import Pay, confirm, start_payment
from payments.tests.money import close_anyway
from tests.factories import EnrollmentFactory
from tests.parallel import at_once

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def order(order: Order) -> Order:
    for item in order.items.select_related("course"):
        item.instructor_id = item.course.instructor_id
        item.save()
    return order


@pytest.fixture
def paid(order: Order, pay: Pay) -> services.PaymentIntent:
    intent = start_payment(order)
    assert pay(intent)["status"] == "succeeded"
    return intent


def entries(reference: str) -> list[tuple[str, str]]:
    """Account and amount of each entry of a transaction, in the order they were written."""
    found = LedgerEntry.objects.filter(transaction__reference=reference).order_by("id")
    return [(entry.account, str(entry.amount)) for entry in found]


def test_a_sale_is_booked_with_its_settlement(order: Order, paid: services.PaymentIntent) -> None:
    confirm(order, paid)
    payment = Payment.objects.get()
    assert entries(f"sale:{payment.id}") == [
        ("stripe", "99.98"),
        ("instructor", "-34.99"),
        ("platform", "-15.00"),
        ("instructor", "-34.99"),
        ("platform", "-15.00"),
    ]
    booked = LedgerTransaction.objects.get()
    assert (booked.kind, booked.currency, booked.payment) == ("sale", "usd", payment)
    assert booked.occurred_at == payment.succeeded_at
    for item in order.items.all():
        entry = LedgerEntry.objects.get(order_item=item, account="instructor")
        assert entry.instructor_id == item.course.instructor_id
        assert entry.available_at is not None
        assert (entry.available_at - booked.occurred_at).days == 30


def test_share_and_hold_are_set_by_course_and_setting(
    order: Order, paid: services.PaymentIntent, settings
) -> None:
    settings.INSTRUCTOR_SHARE_PERCENT = 50
    first, second = order.items.order_by("id")
    RevenueShare.objects.create(course=first.course, percent=90)
    confirm(order, paid)
    shares = dict(
        LedgerEntry.objects.filter(account="instructor").values_list("order_item_id", "amount")
    )
    assert shares == {first.id: Decimal("-44.99"), second.id: Decimal("-25.00")}


def test_twenty_settlements_book_once(order: Order, paid: services.PaymentIntent) -> None:
    intent = stripe_gateway.retrieve_intent(intent_id=paid.payment_intent_id)
    at_once(*[lambda: services.settle(intent=intent)] * 20)
    assert LedgerTransaction.objects.count() == 1


def test_money_for_a_closed_order_is_the_buyers(order: Order, paid: services.PaymentIntent) -> None:
    close_anyway(order)
    services.settle(intent=stripe_gateway.retrieve_intent(intent_id=paid.payment_intent_id))
    assert entries(f"undue:{Payment.objects.get().id}") == [
        ("stripe", "99.98"),
        ("buyers", "-99.98"),
    ]
    assert not LedgerEntry.objects.filter(account="instructor").exists()


def test_the_money_of_a_course_owned_already_is_the_buyers(
    order: Order, paid: services.PaymentIntent
) -> None:
    owned, other = order.items.order_by("id")
    EnrollmentFactory.create(user=order.user, course=owned.course)
    confirm(order, paid)
    of_line = LedgerEntry.objects.filter(order_item=owned)
    assert [(entry.account, entry.amount) for entry in of_line] == [("buyers", Decimal("-49.99"))]
    assert OrderItem.objects.get(id=owned.id).state == "canceled"
    assert LedgerEntry.objects.filter(order_item=other, account="instructor").exists()


def test_stripes_fee_is_booked_when_stripe_tells(
    order: Order, paid: services.PaymentIntent, standin: StandIn
) -> None:
    confirm(order, paid)
    payment = Payment.objects.get()
    standin.book_charge(payment.stripe_charge_id)
    intent = stripe_gateway.retrieve_intent(intent_id=paid.payment_intent_id)
    assert intent.fee == 320, "2.9 % of 99.98, and 0.30"
    at_once(*[lambda: services.settle(intent=intent)] * 5)
    payment.refresh_from_db()
    services.settle(intent=replace(intent, fee=999))
    payment.refresh_from_db()
    assert payment.fee_amount == from_minor(320), "what is booked is not changed"
    assert entries(f"fee:{payment.id}") == [("stripe_fees", "3.20"), ("stripe", "-3.20")]


def test_a_settlement_that_fails_books_nothing(
    order: Order, paid: services.PaymentIntent, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("after the posting")

    monkeypatch.setattr("payments.services.taking._give_back_owned_lines", fail)
    with pytest.raises(RuntimeError):
        confirm(order, paid)
    assert not LedgerTransaction.objects.exists()
    order.refresh_from_db()
    assert order.status == "pending"
