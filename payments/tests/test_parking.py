"""Events of what isn't here: parked while it may still come, left alone when it is none of ours."""

import datetime as dt
import json
import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from django.conf import settings as configured
from django.utils import timezone

from devtools.stripe_standin.client import StandIn
from orders.models import Order
from payments import services, stripe_gateway
from payments.models import Dispute, Payment, Refund, StripeEvent
from payments.services import inbox
from payments.tests.conftest import Pay, confirm, start_payment
from payments.tests.test_inbox import deliver, post, sign
from payments.tests.test_settlement import assert_settled_once
from tests.factories import OrderFactory, OrderItemFactory, make_course

pytestmark = pytest.mark.django_db(transaction=True)


def pay_at_stripe(standin: StandIn, order_id: str) -> dict[str, Any]:
    """Have somebody pay an intent that carries this order's id; the intent."""
    answer = httpx.post(
        f"{standin.url}/v1/payment_intents",
        data={
            "amount": 4999, "currency": "usd", "confirm": "true", "metadata[order_id]": order_id,
            "payment_method": "pm_card_visa", "automatic_payment_methods[enabled]": "true",
            "automatic_payment_methods[allow_redirects]": "never",
        },
        auth=(standin.secret_key, ""), trust_env=False, timeout=60,
    )  # fmt: skip
    intent: dict[str, Any] = answer.raise_for_status().json()
    return intent


def due_again() -> None:
    StripeEvent.objects.update(next_attempt_at=timezone.now())


def test_an_event_faster_than_its_order_waits_for_it(standin: StandIn) -> None:
    order_id = uuid.uuid4()
    intent = pay_at_stripe(standin, str(order_id))
    post("payment_intent.succeeded", intent["id"], standin)
    StripeEvent.objects.update(attempts=inbox.MAX_ATTEMPTS)
    services.handle_due_events()
    row = StripeEvent.objects.get()
    assert (row.status, row.last_error[:7]) == ("received", "Parked:")
    assert row.next_attempt_at > timezone.now()

    order = OrderFactory.create(id=order_id)
    OrderItemFactory.create(order=order, course=make_course())
    due_again()
    services.handle_due_events()
    order.refresh_from_db()
    assert (order.status, StripeEvent.objects.get().status) == ("completed", "handled")


@pytest.mark.parametrize("waits_for", ["its order", "Stripe"])
def test_waiting_does_not_use_up_an_events_tries(
    standin: StandIn, monkeypatch: pytest.MonkeyPatch, waits_for: str
) -> None:
    intent = pay_at_stripe(standin, str(uuid.uuid4()))
    post("payment_intent.succeeded", intent["id"], standin)
    StripeEvent.objects.update(attempts=inbox.MAX_ATTEMPTS)
    if waits_for == "Stripe":
        standin.fault("refuse", "payment_intents.retrieve", status=503)
    services.handle_due_events()
    row = StripeEvent.objects.get()
    assert row.status == "received"
    assert row.next_attempt_at > timezone.now() + dt.timedelta(minutes=50)

    def fail(**_: Any) -> None:
        raise ValueError("a bug, for a while")

    with monkeypatch.context() as patched:
        patched.setattr(stripe_gateway, "retrieve_intent", fail)
        due_again()
        services.handle_due_events()
    assert StripeEvent.objects.get().status == "received", "that was its first failure"


def test_after_three_days_nobody_waits_any_more(standin: StandIn) -> None:
    post("payment_intent.succeeded", pay_at_stripe(standin, str(uuid.uuid4()))["id"], standin)
    almost = timezone.now() - inbox.PARKED_FOR + dt.timedelta(minutes=1)
    StripeEvent.objects.update(received_at=almost)
    services.handle_due_events()
    assert StripeEvent.objects.get().status == "received"
    StripeEvent.objects.update(received_at=timezone.now() - inbox.PARKED_FOR)
    due_again()
    services.handle_due_events()
    row = StripeEvent.objects.get()
    assert (row.status, "for 3 days" in row.last_error) == ("ignored", True)


@pytest.mark.parametrize("kind", ["payment_intent.succeeded", "refund.updated", "charge.refunded",
                                  "charge.dispute.created", "charge.updated"])  # fmt: skip
def test_what_somebody_else_sold_by_this_account_is_ignored_at_once(
    standin: StandIn, kind: str
) -> None:
    intent = pay_at_stripe(standin, "invoice 17 of another shop")
    refund = stripe_gateway.create_refund(
        intent_id=intent["id"], amount=100, refund_id="", idempotency_key="theirs"
    )
    dispute = standin.open_dispute(payment_intent=intent["id"])
    objects = {
        "payment_intent.succeeded": intent["id"],
        "refund.updated": refund.id,
        "charge.dispute.created": dispute["id"],
    }
    post(kind, objects.get(kind, intent["latest_charge"]), standin)
    services.handle_due_events()
    assert StripeEvent.objects.get().status == "ignored"
    assert not Payment.objects.exists()


@pytest.mark.parametrize("kind", ["refund", "dispute"])
def test_news_of_money_whose_order_is_not_here_is_parked(standin: StandIn, kind: str) -> None:
    intent = pay_at_stripe(standin, str(uuid.uuid4()))
    if kind == "refund":
        object_id = stripe_gateway.create_refund(
            intent_id=intent["id"], amount=100, refund_id="", idempotency_key="dash"
        ).id
        post("refund.created", object_id, standin)
    else:
        post(
            "charge.dispute.created",
            standin.open_dispute(payment_intent=intent["id"])["id"],
            standin,
        )
    services.handle_due_events()
    assert StripeEvent.objects.get().last_error.startswith("Parked")


@pytest.mark.parametrize("kind", ["refund.created", "refund.updated", "refund.failed"])
def test_any_news_of_a_refund_takes_it_in(
    order: Order, standin: StandIn, pay: Pay, kind: str
) -> None:
    intent = start_payment(order)
    pay(intent)
    refund = stripe_gateway.create_refund(
        intent_id=intent.payment_intent_id, amount=9998, refund_id="", idempotency_key="dash"
    )
    post(kind, refund.id, standin)  # the first we hear of the payment, too
    services.handle_due_events()
    order.refresh_from_db()
    assert (order.status, Refund.objects.get().status) == ("refunded", "succeeded")


@pytest.mark.parametrize(
    "kind", ["created", "updated", "closed", "funds_withdrawn", "funds_reinstated"]
)
def test_any_news_of_a_dispute_takes_it_in(
    order: Order, standin: StandIn, pay: Pay, kind: str
) -> None:
    intent = start_payment(order)
    pay(intent)
    dispute = standin.open_dispute(payment_intent=intent.payment_intent_id)
    post(f"charge.dispute.{kind}", dispute["id"], standin)
    services.handle_due_events()
    assert Dispute.objects.get().status == "needs_response"


def test_a_charge_that_changed_tells_what_stripe_kept(
    order: Order, standin: StandIn, pay: Pay
) -> None:
    intent = start_payment(order)
    pay(intent)
    confirm(order, intent)
    Payment.objects.update(fee_amount=None)
    standin.run_jobs()
    post("charge.updated", Payment.objects.get().stripe_charge_id, standin)
    services.handle_due_events()
    assert Payment.objects.get().fee_amount is not None


def test_a_charge_of_an_unheard_of_payment_leads_to_it(
    order: Order, paid_event: Callable[[str], bytes], standin: StandIn
) -> None:
    body = paid_event("charge.updated")
    assert deliver(body, sign(body, standin.webhook_secret)).status_code == 200
    services.handle_due_events()
    assert_settled_once(order)


@pytest.fixture
def paid_event(order: Order, standin: StandIn, pay: Pay) -> Callable[[str], bytes]:
    """A paid order that we haven't heard is paid, and its charge's event as Stripe lists it."""
    intent = start_payment(order)
    pay(intent)
    standin.run_jobs()

    def find(kind: str) -> bytes:
        since = timezone.now() - dt.timedelta(hours=1)
        events = stripe_gateway.list_events(types=[kind], since=since, until=None).items
        return json.dumps(events[0].payload).encode()

    return find


def test_a_claim_holds_no_longer_than_a_lease(order: Order, standin: StandIn, pay: Pay) -> None:
    intent = start_payment(order)
    pay(intent)
    post("payment_intent.succeeded", intent.payment_intent_id, standin)
    [claimed] = inbox._claim(limit=1)
    assert claimed.next_attempt_at <= timezone.now() + configured.LEASE
    assert configured.LEASE.total_seconds() <= 25
    services.handle_due_events()
    StripeEvent.objects.update(next_attempt_at=timezone.now())
    services.handle_due_events()
    assert_settled_once(order)


@pytest.mark.parametrize(
    ("status", "days", "stays"),
    [("handled", 91, False), ("ignored", 91, False), ("handled", 89, True), ("ignored", 89, True),
     ("received", 91, True), ("dead", 91, True)],
)  # fmt: skip
def test_old_events_are_dropped_once_they_are_over(status: str, days: int, stays: bool) -> None:
    now = timezone.now()
    StripeEvent.objects.create(
        id="evt_1", type="refund.updated", payload={}, status=status, created_at_stripe=now,
        next_attempt_at=now, handled_at=now,
    )  # fmt: skip
    StripeEvent.objects.update(received_at=now - dt.timedelta(days=days))
    assert services.prune_events() == (0 if stays else 1)
    assert StripeEvent.objects.exists() is stays
