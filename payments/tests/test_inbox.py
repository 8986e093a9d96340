"""The webhook's door and what comes of each event."""

import datetime as dt
import hashlib
import hmac
import json
import time
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from core.models import OutboxEvent
from core.outbox import FIRST_BACKOFF
from devtools.stripe_standin.client import StandIn
from enrollments.models import Enrollment
from orders.models import Order
from payments import services, stripe_gateway
from payments.models import Dispute, Payment, Refund, StripeEvent
from payments.services import inbox, lookups, receiving, refund_sending
from payments.stripe_gateway import EventFacts
from payments.tests.conftest import Pay, confirm, start_payment
from payments.tests.money import close_anyway, plan_decided
from payments.tests.test_settlement import assert_settled_once
from tests.parallel import at_once, meet

pytestmark = pytest.mark.django_db(transaction=True)
URL = "/api/v1/payments/webhook/stripe/"


def event(kind: str, object_id: str, event_id: str = "evt_1") -> bytes:
    return json.dumps(
        {
            "id": event_id,
            "object": "event",
            "type": kind,
            "created": int(time.time()),
            "data": {"object": {"id": object_id}},
        }
    ).encode()


def sign(body: bytes, secret: str, at: int | None = None) -> str:
    at = int(time.time()) if at is None else at
    mac = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={mac}"


def deliver(body: bytes, signature: str) -> Any:
    return APIClient().post(
        URL, body, content_type="application/json", headers={"Stripe-Signature": signature}
    )


def post(kind: str, object_id: str, standin: StandIn, event_id: str = "evt_1") -> Any:
    body = event(kind, object_id, event_id)
    return deliver(body, sign(body, standin.webhook_secret))


def test_a_signed_event_is_stored_answered_and_then_handled(
    order: Order, standin: StandIn, pay: Pay
) -> None:
    intent = start_payment(order)
    pay(intent)
    answer = post("payment_intent.succeeded", intent.payment_intent_id, standin)
    assert (answer.status_code, answer.json()) == (200, {"received": True})
    order.refresh_from_db()
    assert order.status == "pending", "the door only stores"
    assert services.handle_due_events() == 1
    assert_settled_once(order)
    assert StripeEvent.objects.get().status == "handled"


def test_twenty_deliveries_at_once_are_one_event(
    order: Order, standin: StandIn, pay: Pay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has seen that there is no such event before any of them stores it."""
    make_row = receiving._row_of

    def meet_and_make_row(event: EventFacts) -> StripeEvent:
        meet()
        return make_row(event)

    monkeypatch.setattr(receiving, "_row_of", meet_and_make_row)
    intent = start_payment(order)
    pay(intent)
    outcomes = at_once(
        *[lambda: post("payment_intent.succeeded", intent.payment_intent_id, standin).status_code]
        * 20
    )
    assert outcomes == [200] * 20
    assert StripeEvent.objects.count() == 1
    at_once(*[services.handle_due_events] * 5)
    assert_settled_once(order)


@pytest.mark.parametrize(
    ("signature_of", "code"),
    [
        ("nobody", 400), ("wrong secret", 400), ("other body", 400), ("long ago", 400),
        ("not ASCII", 400), ("rotated secret", 200),
    ],
)  # fmt: skip
def test_only_stripe_gets_in(standin: StandIn, settings: Any, signature_of: str, code: int) -> None:
    settings.STRIPE_WEBHOOK_SECRETS = ["whsec_old", standin.webhook_secret]
    body = event("payment_intent.succeeded", "pi_x")
    signature = {
        "nobody": "",
        "wrong secret": sign(body, "whsec_wrong"),
        "other body": sign(body + b" ", standin.webhook_secret),
        "long ago": sign(body, standin.webhook_secret, at=int(time.time()) - 3600),
        "not ASCII": f"t={int(time.time())},v1=\xe9",
        "rotated secret": sign(body, "whsec_old"),
    }[signature_of]
    answer = deliver(body, signature)
    assert answer.status_code == code, answer.content
    if code == 400:
        assert answer.json()["error"]["code"] == "INVALID_SIGNATURE"
        assert not StripeEvent.objects.exists()


@pytest.mark.parametrize("body", [b"{}", b"[]", b"nonsense", b'{"id": "evt_1"}', b"\xff"])
def test_a_signed_body_that_is_no_event_is_refused(standin: StandIn, body: bytes) -> None:
    assert deliver(body, sign(body, standin.webhook_secret)).status_code == 400


@pytest.mark.parametrize("text", ["\\u0000", "\\ud800"])
def test_text_that_cannot_be_stored_does_not_keep_an_event_out(
    order: Order, standin: StandIn, pay: Pay, text: str
) -> None:
    intent = start_payment(order)
    pay(intent)
    body = event("payment_intent.succeeded", intent.payment_intent_id)
    body = body[:-1] + b', "note": "' + text.encode() + b'"}'
    assert deliver(body, sign(body, standin.webhook_secret)).status_code == 200
    services.handle_due_events()
    assert_settled_once(order)


def test_far_too_large_a_body_is_413(standin: StandIn) -> None:
    answer = deliver(b" " * 3_000_000, "t=1,v1=0")
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "PAYLOAD_TOO_LARGE")


def test_without_stripe_the_door_is_closed(settings: Any) -> None:
    settings.STRIPE_SECRET_KEY = ""
    assert deliver(b"{}", "").status_code == 503


def test_other_types_are_stored_and_ignored(standin: StandIn) -> None:
    post("customer.created", "cus_1", standin)
    assert StripeEvent.objects.get().status == "ignored"
    assert services.handle_due_events() == 0


def test_an_event_waits_while_stripe_is_away(order: Order, standin: StandIn, pay: Pay) -> None:
    intent = start_payment(order)
    pay(intent)
    post("payment_intent.succeeded", intent.payment_intent_id, standin)
    standin.fault("refuse", "payment_intents.retrieve", status=503)
    before = timezone.now()
    services.handle_due_events()
    row = StripeEvent.objects.get()
    assert (row.status, row.attempts) == ("received", 1)
    assert row.next_attempt_at >= before + FIRST_BACKOFF
    StripeEvent.objects.update(next_attempt_at=timezone.now())
    services.handle_due_events()
    assert_settled_once(order)


def test_a_claim_of_a_killed_worker_lapses(
    order: Order, standin: StandIn, pay: Pay, settings: Any
) -> None:
    settings.LEASE = dt.timedelta(hours=1)
    intent = start_payment(order)
    pay(intent)
    post("payment_intent.succeeded", intent.payment_intent_id, standin)
    assert len(inbox._claim(limit=1)) == 1  # and then the worker is killed
    assert services.handle_due_events() == 0
    StripeEvent.objects.update(next_attempt_at=timezone.now())
    assert services.handle_due_events() == 1
    assert_settled_once(order)


def test_of_workers_at_once_one_handles_an_event(
    order: Order, standin: StandIn, pay: Pay, settings: Any
) -> None:
    settings.LEASE = dt.timedelta(hours=1)
    intent = start_payment(order)
    pay(intent)
    post("payment_intent.succeeded", intent.payment_intent_id, standin)
    before = standin.counts().get("payment_intents.retrieve", 0)
    assert sorted(at_once(*[services.handle_due_events] * 6)) == [0] * 5 + [1]
    assert standin.counts()["payment_intents.retrieve"] == before + 1


def test_an_event_is_handled_with_its_effect_or_not_at_all(
    order: Order, standin: StandIn, pay: Pay, monkeypatch: pytest.MonkeyPatch
) -> None:
    intent = start_payment(order)
    pay(intent)
    post("payment_intent.succeeded", intent.payment_intent_id, standin)
    effect = lookups.look_up_intent(intent_id=intent.payment_intent_id)

    def stumble() -> None:
        effect()
        raise ValueError("killed after the last write")

    with monkeypatch.context() as broken:
        broken.setitem(inbox._LOOK_UP, "payment_intent.succeeded", lambda event: stumble)
        services.handle_due_events()
    order.refresh_from_db()
    assert (order.status, StripeEvent.objects.get().status) == ("pending", "received")
    StripeEvent.objects.update(next_attempt_at=timezone.now())
    services.handle_due_events()
    assert_settled_once(order)


def test_it_gives_up_in_sight_of_staff_who_can_resend(
    order: Order, standin: StandIn, pay: Pay, monkeypatch: pytest.MonkeyPatch
) -> None:
    intent = start_payment(order)
    pay(intent)
    post("payment_intent.succeeded", intent.payment_intent_id, standin)
    StripeEvent.objects.update(attempts=inbox.MAX_ATTEMPTS - 1)
    with monkeypatch.context() as broken:
        broken.setitem(inbox._LOOK_UP, "payment_intent.succeeded", lambda event: 1 / 0)
        services.handle_due_events()
    assert StripeEvent.objects.get().status == "dead"
    assert services.resend_events(event_ids=["evt_1"], actor_id=None) == 1
    services.handle_due_events()
    assert_settled_once(order)


def test_an_object_stripe_does_not_know_is_ignored(standin: StandIn) -> None:
    post("payment_intent.succeeded", "pi_unknown", standin)
    services.handle_due_events()
    assert StripeEvent.objects.get().status == "ignored"


def pay_and_settle(order: Order, pay: Pay) -> services.PaymentIntent:
    intent = start_payment(order)
    pay(intent)
    confirm(order, intent)
    return intent


def test_a_refund_made_at_stripe_revokes_what_it_paid(
    order: Order, standin: StandIn, pay: Pay
) -> None:
    intent = pay_and_settle(order, pay)
    refund = stripe_gateway.create_refund(
        intent_id=intent.payment_intent_id, amount=9998, refund_id="", idempotency_key="dash"
    )
    charge = Payment.objects.get().stripe_charge_id
    for number, (kind, object_id) in enumerate(
        [("charge.refunded", charge), ("refund.updated", refund.id), ("charge.refunded", charge)]
    ):
        post(kind, object_id, standin, event_id=f"evt_{number}")
        services.handle_due_events()
    order.refresh_from_db()
    assert (order.status, order.refunded_amount) == ("refunded", Decimal("99.98"))
    assert set(Enrollment.objects.values_list("status", flat=True)) == {"revoked"}
    assert Refund.objects.get().reason == "at_stripe"
    assert OutboxEvent.objects.filter(name="payments.refund_succeeded").count() == 1


def test_a_partial_refund_made_at_stripe_keeps_the_courses(
    order: Order, standin: StandIn, pay: Pay
) -> None:
    intent = pay_and_settle(order, pay)
    stripe_gateway.create_refund(
        intent_id=intent.payment_intent_id, amount=1000, refund_id="", idempotency_key="dash"
    )
    post("charge.refunded", Payment.objects.get().stripe_charge_id, standin)
    services.handle_due_events()
    order.refresh_from_db()
    assert (order.status, order.refunded_amount) == ("completed", Decimal("10.00"))
    assert set(Enrollment.objects.values_list("status", flat=True)) == {"active"}


def test_a_dispute_suspends_until_it_is_won(order: Order, standin: StandIn, pay: Pay) -> None:
    intent = pay_and_settle(order, pay)
    dispute = standin.open_dispute(payment_intent=intent.payment_intent_id)
    post("charge.dispute.created", dispute["id"], standin, "evt_1")
    services.handle_due_events()
    assert set(Enrollment.objects.values_list("status", flat=True)) == {"suspended"}
    post("charge.dispute.created", dispute["id"], standin, "evt_2")
    services.handle_due_events()
    assert Dispute.objects.count() == 1

    standin.close_dispute(dispute["id"], "won")
    post("charge.dispute.closed", dispute["id"], standin, "evt_3")
    services.handle_due_events()
    assert set(Enrollment.objects.values_list("status", flat=True)) == {"active"}
    post("charge.dispute.created", dispute["id"], standin, "evt_4")  # late and out of order
    services.handle_due_events()
    assert set(Enrollment.objects.values_list("status", flat=True)) == {"active"}


def test_a_lost_dispute_takes_the_courses_away(order: Order, standin: StandIn, pay: Pay) -> None:
    intent = pay_and_settle(order, pay)
    dispute = standin.open_dispute(payment_intent=intent.payment_intent_id)
    standin.close_dispute(dispute["id"], "lost")
    post("charge.dispute.closed", dispute["id"], standin, "evt_1")  # the first we hear of it
    services.handle_due_events()
    assert set(Enrollment.objects.values_list("status", flat=True)) == {"revoked"}
    assert Dispute.objects.get().closed_at is not None


def test_a_refund_is_sent_once_even_if_the_answer_is_lost(
    order: Order, standin: StandIn, pay: Pay
) -> None:
    intent = start_payment(order)
    pay(intent)
    close_anyway(order)
    services.settle(intent=stripe_gateway.retrieve_intent(intent_id=intent.payment_intent_id))
    standin.fault("drop", "refunds.create")
    services.send_due_refunds()
    assert Refund.objects.get().status == "due"
    Refund.objects.update(next_attempt_at=timezone.now())
    services.send_due_refunds()
    assert Refund.objects.get().status == "succeeded"
    charge = Payment.objects.get().stripe_charge_id
    assert len(stripe_gateway.list_refunds_of_charge(charge_id=charge)) == 1


def test_a_refund_is_sent_once_even_if_stripe_forgot_its_key(
    order: Order, standin: StandIn, pay: Pay
) -> None:
    pay_and_settle(order, pay)
    plan_decided(Payment.objects.get(), "5.00")
    standin.fault("drop", "refunds.create")
    services.send_due_refunds()
    assert Refund.objects.get().status == "due"
    # A day later; or a backup from before the first try was restored, which knows of none.
    standin.expire_idempotency_keys()
    Refund.objects.update(next_attempt_at=timezone.now(), attempts=0)
    services.send_due_refunds()
    assert Refund.objects.get().status == "succeeded"
    charge = Payment.objects.get().stripe_charge_id
    assert [r.amount for r in stripe_gateway.list_refunds_of_charge(charge_id=charge)] == [500]


def test_workers_at_once_send_a_refund_once(
    order: Order, standin: StandIn, pay: Pay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has found the refund due before any of them says that it is taken."""
    intent = start_payment(order)
    pay(intent)
    close_anyway(order)
    services.settle(intent=stripe_gateway.retrieve_intent(intent_id=intent.payment_intent_id))
    save = Refund.save

    def meet_and_save(refund: Refund, **given: Any) -> None:
        meet()
        save(refund, **given)

    monkeypatch.setattr(Refund, "save", meet_and_save)
    assert sorted(at_once(*[services.send_due_refunds] * 5)) == [0] * 4 + [1]
    assert standin.counts()["refunds.create"] == 1


def test_two_workers_on_the_same_refund_give_it_back_once(
    order: Order, standin: StandIn, pay: Pay
) -> None:
    """The first one's lease has lapsed while Stripe took its time: nothing was made yet that
    looking for it could find, so it is the key that keeps it one."""
    pay_and_settle(order, pay)
    payment = Payment.objects.get()
    refund = plan_decided(payment, "5.00")
    standin.fault("hang", "refunds.create", seconds=0.5, times=3)
    at_once(*[lambda: refund_sending._send(refund)] * 3)
    made = stripe_gateway.list_refunds_of_charge(charge_id=payment.stripe_charge_id)
    assert [one.amount for one in made] == [500]


def test_a_refund_stripe_refuses_is_shown_to_staff(
    order: Order, standin: StandIn, pay: Pay
) -> None:
    intent = pay_and_settle(order, pay)
    stripe_gateway.create_refund(
        intent_id=intent.payment_intent_id, amount=9998, refund_id="", idempotency_key="dash"
    )
    payment = Payment.objects.get()
    plan_decided(payment, "5.00")
    services.send_due_refunds()
    assert Refund.objects.get(reason="requested").status == "failed"
    payment.refresh_from_db()
    assert "refused" in payment.needs_attention
