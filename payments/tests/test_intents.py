"""Starting and confirming payments."""

import uuid
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import transaction
from rest_framework.test import APIClient

from core.ids import new_id
from devtools.stripe_standin.client import StandIn
from enrollments.models import Enrollment
from orders import services as order_services
from orders.errors import OrderNotFound
from orders.models import Order
from payments import services, stripe_gateway
from payments.errors import InvalidPayment, OrderNotPayable, PaymentRefused, PaymentsUnavailable
from payments.models import Payment
from payments.tests.conftest import Pay, confirm, start_payment
from tests.emptying import unguarded
from tests.factories import OrderFactory, OrderItemFactory, UserFactory, sign_in
from tests.parallel import run_in_parallel
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)


def test_amount_and_currency_come_from_the_order(order: Order, standin: StandIn) -> None:
    intent = start_payment(order)
    assert intent.created
    assert (intent.amount, intent.currency) == (9998, "usd")
    assert intent.client_secret.startswith(f"{intent.payment_intent_id}_secret_")
    assert intent.publishable_key == standin.publishable_key
    payment = Payment.objects.get()
    assert (payment.order_id, payment.amount, payment.status) == (
        order.id, Decimal("99.98"), "pending",
    )  # fmt: skip


def test_the_methods_are_the_accounts_and_none_leads_elsewhere(
    order: Order, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    create = stripe_gateway._create

    def note(call: Any, **more: Any) -> Any:
        intents = SimpleNamespace(create=lambda params, options: asked.append(params))
        call("a key", SimpleNamespace(v1=SimpleNamespace(payment_intents=intents)))
        return create(call, **more)

    monkeypatch.setattr(stripe_gateway, "_create", note)
    start_payment(order)
    (params,) = asked
    assert params["automatic_payment_methods"] == {"enabled": True, "allow_redirects": "never"}
    assert "payment_method_types" not in params


def test_a_key_that_stripe_refuses_is_told_as_an_error(
    order: Order, standin: StandIn, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.STRIPE_SECRET_KEY = "sk_test_of_nobody"
    with pytest.raises(PaymentsUnavailable):
        start_payment(order)
    told = [record for record in caplog.records if "refuses our key" in record.getMessage()]
    assert [record.levelname for record in told] == ["ERROR"]
    assert "of_nobody" not in caplog.text


def test_the_same_order_gets_the_same_intent(order: Order, standin: StandIn) -> None:
    first, again = start_payment(order), start_payment(order)
    assert (first.created, again.created) == (True, False)
    assert again.payment_intent_id == first.payment_intent_id
    assert standin.counts()["payment_intents.create"] == 1


def test_twenty_at_once_make_one_intent(order: Order, standin: StandIn) -> None:
    intents = run_in_parallel(20, lambda _: start_payment(order))
    assert [intent for intent in intents if isinstance(intent, Exception)] == []
    assert len({intent.payment_intent_id for intent in intents}) == 1
    assert Payment.objects.count() == 1


def test_a_lost_answer_does_not_make_a_second_intent(order: Order, standin: StandIn) -> None:
    standin.fault("drop", "payment_intents.create")
    with pytest.raises(PaymentsUnavailable):
        start_payment(order)
    assert not Payment.objects.exists()
    start_payment(order)
    creations = [call for call in standin.calls() if call["operation"] == "payment_intents.create"]
    assert creations[-1]["replayed"]


def test_a_hanging_stripe_is_given_up(order: Order, standin: StandIn, settings: Any) -> None:
    settings.STRIPE_TIMEOUT_SECONDS = 0.3
    standin.fault("hang", "payment_intents.create", seconds=3)
    with pytest.raises(PaymentsUnavailable):
        start_payment(order)


def test_without_stripe_there_are_no_payments(order: Order, settings: Any) -> None:
    settings.STRIPE_SECRET_KEY = ""
    with pytest.raises(PaymentsUnavailable):
        start_payment(order)


def test_the_gateway_refuses_to_be_called_in_a_transaction(standin: StandIn) -> None:
    with transaction.atomic(), pytest.raises(RuntimeError, match="inside a transaction"):
        stripe_gateway.retrieve_intent(intent_id="pi_x")


def test_only_ones_own_pending_order_can_be_paid(order: Order, standin: StandIn) -> None:
    with pytest.raises(OrderNotFound):
        services.create_payment_intent(order_id=order.id, user_id=UserFactory.create().id)
    order_services.close_order(order_id=order.id, reason="canceled")
    with pytest.raises(OrderNotPayable):
        start_payment(order)
    assert standin.counts() == {}


def test_stripes_minimum_is_told(buyer: Any, standin: StandIn) -> None:
    tiny = OrderFactory.create(user=buyer, subtotal=Decimal("0.10"))
    with pytest.raises(PaymentRefused) as refusal:
        start_payment(tiny)
    assert refusal.value.details == {"provider_code": "amount_too_small"}


def test_confirming_a_paid_intent_completes_the_order(
    order: Order, standin: StandIn, pay: Pay
) -> None:
    intent = start_payment(order)
    pay(intent)
    assert confirm(order, intent).status == "succeeded"
    order.refresh_from_db()
    assert order.status == "completed"
    assert order.transaction_id.startswith("ch_")
    assert Enrollment.objects.filter(user=order.user, status="active").count() == 2
    assert confirm(order, intent).status == "succeeded"
    assert Enrollment.objects.count() == 2


def test_before_the_buyer_paid_it_never_says_succeeded(order: Order, standin: StandIn) -> None:
    intent = start_payment(order)
    assert confirm(order, intent).status == "requires_payment_method"
    order.refresh_from_db()
    assert order.status == "pending"


def test_a_declined_card_leaves_the_intent_payable(
    order: Order, standin: StandIn, pay: Pay
) -> None:
    intent = start_payment(order)
    pay(intent, "pm_card_chargeDeclinedInsufficientFunds")
    state = confirm(order, intent)
    assert (state.status, state.error_code) == ("requires_payment_method", "insufficient_funds")
    assert start_payment(order).payment_intent_id == intent.payment_intent_id
    pay(intent)
    assert confirm(order, intent).status == "succeeded"


@pytest.mark.parametrize("method", ["LostCard", "StolenCard"])
def test_nobody_is_told_that_the_card_is_known_as_stolen(
    order: Order, standin: StandIn, pay: Pay, method: str
) -> None:
    intent = start_payment(order)
    pay(intent, f"pm_card_visa_chargeDeclined{method}")
    assert confirm(order, intent).error_code == "generic_decline"
    assert Payment.objects.get().last_error_code in {"lost_card", "stolen_card"}, "staff are"


def test_a_debit_that_no_card_issuer_declined_is_told_too(
    order: Order, standin: StandIn, pay: Pay
) -> None:
    """Stripe names no decline code then; the SDK has no such attribute."""
    intent = start_payment(order)
    pay(intent, "pm_usBankAccount_insufficientFunds")
    assert confirm(order, intent).status == "processing"
    standin.settle_payment(intent.payment_intent_id, "failed")
    state = confirm(order, intent)
    assert state.status == "requires_payment_method"
    assert state.error_code == "payment_intent_payment_attempt_failed"
    assert state.error_message
    assert start_payment(order).payment_intent_id == intent.payment_intent_id


def test_three_d_secure_waits_for_the_buyer(order: Order, standin: StandIn, pay: Pay) -> None:
    intent = start_payment(order)
    pay(intent, "pm_card_authenticationRequired")
    assert confirm(order, intent).status == "requires_action"
    standin.authenticate(intent.payment_intent_id)
    assert confirm(order, intent).status == "succeeded"


@pytest.mark.parametrize(
    "intent_id",
    [
        "pi_unknown",
        "x",
        "../v1/refunds",
        "a b",
        "é",
        "pi_" * 60,
        "",
        " ",
        ".",
        "..",
        "/",
        "x" * 300,
    ],
)
def test_an_intent_nobody_knows_is_invalid(
    order: Order, buyer: User, standin: StandIn, intent_id: str
) -> None:
    with pytest.raises(InvalidPayment):
        services.confirm_payment(order_id=order.id, user_id=buyer.id, payment_intent_id=intent_id)


def test_somebody_elses_payment_pays_nothing(order: Order, standin: StandIn, pay: Pay) -> None:
    other = OrderFactory.create(subtotal=Decimal("99.98"))
    OrderItemFactory.create(order=other)
    intent = start_payment(other)
    pay(intent)
    with pytest.raises(InvalidPayment):
        confirm(order, intent)
    order.refresh_from_db()
    assert order.status == "pending"
    assert not Enrollment.objects.filter(user=order.user).exists()


def test_an_unknown_order_is_not_found(buyer: User, standin: StandIn) -> None:
    with pytest.raises(OrderNotFound):
        services.confirm_payment(order_id=uuid.uuid4(), user_id=buyer.id, payment_intent_id="pi_x")


def test_after_a_cancelled_intent_comes_a_new_one(order: Order, standin: StandIn) -> None:
    first = start_payment(order)
    stripe_gateway.cancel_intent(intent_id=first.payment_intent_id)
    second = start_payment(order)
    assert second.payment_intent_id != first.payment_intent_id
    assert dict(Payment.objects.values_list("stripe_payment_id", "status")) == {
        first.payment_intent_id: "failed",
        second.payment_intent_id: "pending",
    }


@pytest.mark.parametrize("intent_id", ["", ".", "x" * 300])
def test_an_id_that_cannot_be_one_is_an_invalid_payment_over_http(
    order: Order, buyer: User, standin: StandIn, intent_id: str
) -> None:
    client = APIClient()
    client.force_authenticate(buyer)
    answer = client.post(
        "/api/v1/payments/confirm-payment/",
        {"order_id": str(order.id), "payment_intent_id": intent_id},
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "INVALID_PAYMENT")
    assert standin.counts() == {}, "Stripe isn't asked for what can't be an id"


@pytest.mark.parametrize("currency", ["jpy", "kwd"])
def test_a_currency_without_hundredths_is_never_charged(
    order: Order, standin: StandIn, currency: str
) -> None:
    with unguarded():
        Order.objects.update(currency=currency)
    with pytest.raises(PaymentsUnavailable):
        start_payment(order)
    assert standin.counts() == {}


def test_payments_are_started_five_times_an_hour_at_most(
    order: Order, standin: StandIn, settings: Any
) -> None:
    settings.THROTTLE_RATES = {"payment": "5/hour"}
    assert order.user is not None
    client = sign_in(order.user)
    url = "/api/v1/payments/create-payment-intent/"
    body = {"order_id": str(order.id)}
    # The same payment again has the ordinary rate: whoever comes back to it isn't locked out.
    codes = [client.post(url, body).status_code for _ in range(8)]
    assert codes == [201] + [200] * 7
    for attempt in range(4):
        Payment.objects.update(status="failed")
        assert client.post(url, body).status_code == 201, attempt
    Payment.objects.update(status="failed")
    assert client.post(url, body).status_code == 429
    for other in ({}, {"order_id": "x"}, {"order_id": str(new_id())}):
        assert client.post(url, other).status_code == 429, other


@pytest.mark.parametrize("ends", ["paid", "closed"])
def test_an_order_that_is_over_uses_up_none_of_the_next_ones_payments(
    *, order: Order, standin: StandIn, pay: Pay, settings: Any, ends: str
) -> None:
    settings.THROTTLE_RATES = {"payment": "2/hour"}
    assert order.user is not None
    client = sign_in(order.user)
    url, key = "/api/v1/payments/create-payment-intent/", {"Idempotency-Key": "by order"}
    body = {"order_id": str(order.id)}
    assert client.post(url, body, headers=key).status_code == 201
    if ends == "paid":
        intent = start_payment(order)
        pay(intent)
        assert confirm(order, intent).status == "succeeded"
    else:
        assert order_services.close_order(order_id=order.id, reason="canceled")
    codes = [client.post(url, body, headers=headers).status_code for headers in (key, {}) * 3]
    assert codes == [409] * 6
    another = OrderFactory.create(user=order.user, subtotal=Decimal("20.00"))
    assert client.post(url, {"order_id": str(another.id)}).status_code == 201
    # Somebody else's order is counted, as every guess is.
    theirs = OrderFactory.create()
    assert client.post(url, {"order_id": str(theirs.id)}).status_code == 429


def test_what_stripe_did_not_answer_counts_towards_no_limit(
    order: Order, standin: StandIn, settings: Any
) -> None:
    """Otherwise a buyer who tried during an outage couldn't pay for an hour after it."""
    settings.THROTTLE_RATES = {"payment": "2/hour"}
    assert order.user is not None
    client = sign_in(order.user)
    url, body = "/api/v1/payments/create-payment-intent/", {"order_id": str(order.id)}
    standin.fault("refuse", "payment_intents.create", status=503, times=4)
    codes = [client.post(url, body).status_code for _ in range(6)]
    assert codes == [503, 503, 503, 503, 201, 200]
