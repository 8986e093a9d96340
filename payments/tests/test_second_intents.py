"""Of an order with two intents, as a restored backup makes one, nobody pays both."""

from dataclasses import replace
from typing import Any

import pytest

from core.models import OutboxEvent
from devtools.stripe_standin.client import StandIn
from orders.models import Order
from payments import services, stripe_gateway
from payments.errors import PaymentsUnavailable
from payments.models import Payment, Refund
from payments.services import intents
from payments.tests.conftest import Pay, confirm, start_payment
from payments.tests.money import assert_books_hold

pytestmark = pytest.mark.django_db(transaction=True)


def make_other(order: Order) -> stripe_gateway.IntentFacts:
    return stripe_gateway.create_intent(
        amount=9998, currency="usd", order_id=str(order.id), order_number=order.order_number,
        idempotency_key="of a restored copy",
    )  # fmt: skip


def hear(intent_id: str) -> None:
    services.settle(intent=stripe_gateway.retrieve_intent(intent_id=intent_id))


def debit(first: services.PaymentIntent, other: stripe_gateway.IntentFacts, pay: Pay) -> None:
    """Have the order's other intent paid by a bank debit, which is under way."""
    named = replace(first, payment_intent_id=other.id, client_secret=other.client_secret)
    assert pay(named, "pm_usBankAccount_processing")["status"] == "processing"


@pytest.fixture
def first(order: Order, standin: StandIn) -> services.PaymentIntent:
    """The order's open intent."""
    return start_payment(order)


@pytest.fixture
def other(order: Order, first: services.PaymentIntent, pay: Pay) -> str:
    """The id of its second one, of which is known that its debit is under way."""
    other = make_other(order)
    debit(first, other, pay)
    hear(other.id)
    return other.id


def test_the_answer_is_the_intent_that_is_under_way(
    order: Order, first: services.PaymentIntent, other: str, standin: StandIn
) -> None:
    for _ in range(2):
        answer = start_payment(order)
        assert (answer.payment_intent_id, answer.status) == (other, "processing")
        assert not answer.created
        assert first.client_secret != answer.client_secret
    standin.settle_payment(other, "succeeded")
    hear(other)
    order.refresh_from_db()
    assert (order.status, order.payment_id) == ("completed", other)
    assert not Refund.objects.exists()
    assert_books_hold()


def test_one_that_has_come_by_now_completes_the_order(
    order: Order, other: str, standin: StandIn
) -> None:
    standin.settle_payment(other, "succeeded")
    answer = start_payment(order)
    assert (answer.payment_intent_id, answer.status) == (other, "succeeded")
    order.refresh_from_db()
    assert order.status == "completed"


def test_once_it_failed_the_open_one_can_be_paid(
    order: Order, first: services.PaymentIntent, other: str, standin: StandIn, pay: Pay
) -> None:
    """Though no event told of it; and its buyer is told so."""
    standin.settle_payment(other, "failed")
    answer = start_payment(order)
    assert (answer.payment_intent_id, answer.status) == (
        first.payment_intent_id, "requires_payment_method",
    )  # fmt: skip
    assert OutboxEvent.objects.filter(name="payments.debit_failed").count() == 1
    order.refresh_from_db()
    assert order.payment_in_progress_since is None
    pay(answer)
    assert confirm(order, answer).status == "succeeded"
    assert_books_hold()


def test_one_that_stripe_does_not_know_any_more_is_given_up(
    order: Order, first: services.PaymentIntent, other: str
) -> None:
    Payment.objects.filter(stripe_payment_id=other).update(stripe_payment_id="pi_forgotten")
    assert start_payment(order).payment_intent_id == first.payment_intent_id
    assert Payment.objects.get(stripe_payment_id="pi_forgotten").stripe_status == ""


def test_no_secret_is_out_of_an_order_that_another_pays_meanwhile(
    order: Order, first: services.PaymentIntent, pay: Pay, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_other(order)
    debit(first, other, pay)
    remember = intents._remember

    def hear_and_remember(*given: Any) -> bool:
        hear(other.id)
        return remember(*given)

    monkeypatch.setattr(intents, "_remember", hear_and_remember)
    answer = start_payment(order)
    assert (answer.payment_intent_id, answer.status) == (other.id, "processing")


def test_nor_is_that_of_one_that_was_made_meanwhile(
    order: Order, standin: StandIn, pay: Pay, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_other(order)
    create = intents._create_at_stripe

    def create_and_hear(*given: Any) -> stripe_gateway.IntentFacts:
        intent = create(*given)
        debit(intents._answer(intent, created=True), other, pay)
        hear(other.id)
        return intent

    monkeypatch.setattr(intents, "_create_at_stripe", create_and_hear)
    answer = start_payment(order)
    assert (answer.payment_intent_id, answer.status) == (other.id, "processing")
    assert not answer.created


def test_what_stays_contradictory_is_tried_later(
    order: Order, first: services.PaymentIntent, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*given: Any) -> bool:
        raise intents._PaidByAnother

    monkeypatch.setattr(intents, "_remember", refuse)
    with pytest.raises(PaymentsUnavailable):
        start_payment(order)
