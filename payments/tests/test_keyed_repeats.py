"""`create-payment-intent` again under its `Idempotency-Key`: the first answer as long as its intent
can be gone on with, and never one that nobody can pay."""

import time
from datetime import timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from core import idempotency
from core.models import IdempotencyRecord
from devtools.stripe_standin.client import StandIn
from orders import services as order_services
from orders.models import Order
from payments import services, stripe_gateway
from payments.models import Payment
from payments.services import intents
from payments.services.ending import end_open_payment
from payments.tests.conftest import Pay
from tests.factories import sign_in
from tests.parallel import meet, run_in_parallel

pytestmark = pytest.mark.django_db(transaction=True)

URL = "/api/v1/payments/create-payment-intent/"
DEBIT = "pm_usBankAccount_processing"


@pytest.fixture
def client(order: Order) -> APIClient:
    assert order.user is not None
    return sign_in(order.user)


def ask(client: APIClient, order: Order, *, key: str | None = "by order") -> Any:
    headers = {} if key is None else {"Idempotency-Key": key}
    return client.post(URL, {"order_id": str(order.id)}, headers=headers)


def told(answer: Any) -> tuple[int, str | None, bool]:
    """Its status, what it says of the intent or why not, and whether it is a replay."""
    body = answer.json()
    word = body["error"]["code"] if "error" in body else body["status"]
    return answer.status_code, word, "Idempotency-Replayed" in answer


def cancel(order: Order) -> None:
    """What ordering does for another billing address, and what it does with a changed cart."""
    end_open_payment(order_id=order.id, seconds=5)


def test_an_intent_that_was_canceled_is_never_given_again(
    order: Order, client: APIClient, standin: StandIn
) -> None:
    first = ask(client, order).json()
    cancel(order)
    again = ask(client, order)
    assert told(again) == (201, "requires_payment_method", False)
    assert again.json()["payment_intent_id"] != first["payment_intent_id"]
    assert again.json()["client_secret"]
    keyless = ask(client, order, key=None).json()
    assert keyless == again.json()
    # From now on this is the answer under the key.
    third = ask(client, order)
    assert told(third) == (201, "requires_payment_method", True)
    assert third.json() == keyless


def test_nor_is_one_that_stripe_does_not_know(
    order: Order, client: APIClient, standin: StandIn
) -> None:
    ask(client, order)
    standin.reset()
    again = ask(client, order)
    assert told(again) == (201, "requires_payment_method", False)
    payments = dict(Payment.objects.values_list("stripe_payment_id", "status"))
    assert payments.pop(again.json()["payment_intent_id"]) == "pending"
    assert list(payments.values()) == ["failed"]


def test_nor_one_beside_which_another_is_open(
    order: Order, client: APIClient, standin: StandIn
) -> None:
    ask(client, order)
    cancel(order)
    keyless = ask(client, order, key=None)
    again = ask(client, order)
    assert told(again) == (200, "requires_payment_method", False)
    assert again.json() == keyless.json()


def test_an_answer_that_serves_says_how_far_the_payment_is(
    order: Order, client: APIClient, standin: StandIn, pay: Pay
) -> None:
    first = ask(client, order).json()
    pay(services.PaymentIntent(**first, created=True), DEBIT)
    again = ask(client, order)
    assert told(again) == (201, "processing", True)
    assert again.json() == {**first, "status": "processing"}
    order.refresh_from_db()
    assert order.payment_in_progress_since is not None, "it is news to us, too"
    standin.settle_payment(first["payment_intent_id"], "failed")
    assert ask(client, order).json() == first


def test_of_an_order_that_is_closed_nothing_is_given_again(
    order: Order, client: APIClient, standin: StandIn
) -> None:
    ask(client, order)
    assert order_services.close_order(order_id=order.id, reason="canceled")
    for key in ("by order", None):
        answer = ask(client, order, key=key)
        assert told(answer) == (409, "ORDER_NOT_PAYABLE", False)
        assert answer.json()["error"]["details"] == {"order_status": "failed"}
    # A refusal frees the key, as ever.
    assert not IdempotencyRecord.objects.exists()


def test_nor_of_one_that_is_paid(
    order: Order, client: APIClient, standin: StandIn, pay: Pay
) -> None:
    first = services.PaymentIntent(**ask(client, order).json(), created=True)
    pay(first)
    # Stripe's word, of which no event has come yet.
    assert told(ask(client, order)) == (201, "succeeded", True)
    order.refresh_from_db()
    assert order.status == "completed"
    assert told(ask(client, order)) == (409, "ORDER_NOT_PAYABLE", False)


def test_of_repeats_at_once_one_does_the_work_again(
    order: Order, client: APIClient, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has seen that the intent is dead before any of them takes the key."""
    ask(client, order)
    cancel(order)
    find = services.find_payment_intent

    def find_and_meet(**given: Any) -> services.PaymentIntent | None:
        found = find(**given)
        if found is None:
            meet()
        return found

    monkeypatch.setattr(services, "find_payment_intent", find_and_meet)
    answers = run_in_parallel(4, lambda _: ask(client, order))
    assert [one for one in answers if isinstance(one, Exception)] == []
    outcomes = sorted(told(one) for one in answers)
    fresh = (201, "requires_payment_method", False)
    assert outcomes.count(fresh) == 1
    # Whoever comes while it is worked on, and whoever comes after.
    rest = {(409, "IDEMPOTENCY_IN_PROGRESS", False), (201, "requires_payment_method", True)}
    assert set(outcomes) <= {fresh} | rest
    monkeypatch.undo()
    assert told(ask(client, order)) == (201, "requires_payment_method", True)
    assert Payment.objects.count() == standin.counts()["payment_intents.create"] == 2


def test_who_is_killed_at_it_holds_the_key_only_for_a_while(
    order: Order, client: APIClient, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(client, order)
    cancel(order)

    class Killed(BaseException):
        pass

    def die(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        # The intent is made and not stored, and nobody is there to give up the key.
        patch.setattr(intents, "_remember", die)
        patch.setattr(idempotency, "abandon", lambda _: None)
        with pytest.raises(Killed):
            ask(client, order)
    assert told(ask(client, order)) == (409, "IDEMPOTENCY_IN_PROGRESS", False)
    record = IdempotencyRecord.objects.get()
    IdempotencyRecord.objects.update(locked_until=record.created_at - timedelta(seconds=1))
    assert told(ask(client, order)) == (201, "requires_payment_method", False)
    assert Payment.objects.count() == 2
    made = [call for call in standin.calls() if call["operation"] == "payment_intents.create"]
    assert made[-1]["replayed"], "it is the one that was made before the kill"


def test_while_stripe_is_away_the_answer_is_kept(
    order: Order, client: APIClient, standin: StandIn
) -> None:
    first = ask(client, order).json()
    standin.fault("refuse", "payment_intents.retrieve", status=503, times=9)
    assert told(ask(client, order)) == (503, "PAYMENTS_UNAVAILABLE", False)
    standin.clear_faults()
    again = ask(client, order)
    assert (again["Idempotency-Replayed"], again.json()) == ("true", first)


def test_looking_at_the_old_one_and_making_another_have_one_deadline(
    order: Order, client: APIClient, standin: StandIn, settings: Any
) -> None:
    first = ask(client, order).json()
    stripe_gateway.cancel_intent(intent_id=first["payment_intent_id"])
    settings.STRIPE_TIMEOUT_SECONDS, settings.STRIPE_DEADLINE_SECONDS = 9, 2
    standin.fault("hang", "payment_intents.retrieve", seconds=1.6)
    standin.fault("hang", "payment_intents.create", seconds=5)
    begun = time.monotonic()
    assert told(ask(client, order)) == (503, "PAYMENTS_UNAVAILABLE", False)
    assert time.monotonic() - begun < 3
