"""Signed webhooks: delivered, retried, held, doubled, reordered, and kept over a restart."""

import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import stripe

from devtools.stripe_standin.client import A_WHILE, Keys, StandIn
from devtools.stripe_standin.config import Endpoint
from devtools.stripe_standin.webhooks import pause_after, sign


def new_intent(api, **given):
    return api.v1.payment_intents.create({"amount": 8999, "currency": "usd", **given})


def test_events_are_signed_and_whole(api, standin, receiver):
    intent = api.v1.payment_intents.create(
        {"amount": 8999, "currency": "usd"}, {"idempotency_key": "k1"}
    )
    receiver.wait_for("payment_intent.created")
    payload, signature = receiver.payloads[0]
    event = stripe.Webhook.construct_event(payload, signature, standin.webhook_secret)
    assert event.id.startswith("evt_")
    assert (event.object, event.livemode, event.pending_webhooks) == ("event", False, 1)
    assert event.api_version == "2026-10-28.endive"
    assert event.request.id == intent.last_response.request_id
    assert event.request.idempotency_key == "k1"
    assert event.data.object.id == intent.id
    assert standin.flush()
    assert api.v1.events.retrieve(event.id).pending_webhooks == 0
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(payload + b" ", signature, standin.webhook_secret)
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(payload, signature, "whsec_other")


def test_while_a_secret_is_rolled_both_verify():
    endpoint = Endpoint("http://127.0.0.1/", ("whsec_old", "whsec_new"))
    header = sign(b"{}", endpoint, int(time.time()))
    for secret in endpoint.secrets:
        assert stripe.WebhookSignature.verify_header("{}", header, secret, 300)


def test_paying_and_declining_send_their_events(api, standin, receiver):
    intent = new_intent(api)
    with pytest.raises(stripe.CardError):
        api.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa_chargeDeclined"})
    api.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    gone = new_intent(api)
    api.v1.payment_intents.cancel(gone.id)
    new_intent(api, payment_method="pm_card_threeDSecure2Required", confirm=True)
    new_intent(api, payment_method="pm_usBankAccount_processing", confirm=True)
    customer = api.v1.customers.create({"email": "a@learnflow.test"})
    api.v1.customers.delete(customer.id)
    assert standin.flush()
    assert set(receiver.types()) == {
        "payment_intent.created",
        "charge.failed",
        "payment_intent.payment_failed",
        "charge.succeeded",
        "payment_intent.succeeded",
        "payment_intent.canceled",
        "payment_intent.requires_action",
        "payment_intent.processing",
        "charge.pending",
        "customer.created",
        "customer.deleted",
    }


def test_a_receiver_that_fails_twice_gets_it_again(api, standin, receiver):
    receiver.answers.extend([500, 302])
    new_intent(api)
    receiver.wait_until(lambda: len(receiver.payloads) == 3)
    assert [json.loads(payload)["id"] for payload, _ in receiver.payloads] == [
        json.loads(receiver.payloads[0][0])["id"]
    ] * 3
    assert standin.flush()
    delivery = standin.deliveries()[0]
    assert (delivery["state"], delivery["attempts"], delivery["status"]) == ("delivered", 3, 200)


def test_pauses_between_tries_double_up_to_an_hour():
    pauses = [pause_after(attempts, 1.0) for attempts in range(1, 16)]
    assert pauses[:5] == [1, 2, 4, 8, 16]
    assert pauses[12:] == [3600, 3600, 3600]


def test_held_webhooks_come_late_and_dropped_ones_never(api, standin, receiver):
    standin.webhooks(hold=True)
    held = new_intent(api)
    assert standin.flush()
    assert receiver.payloads == []
    standin.webhooks(drop=True, types=("payment_intent.created",))
    assert receiver.wait_for("payment_intent.created")["id"] == held.id
    dropped = new_intent(api, payment_method="pm_card_visa", confirm=True)
    assert standin.flush()
    assert receiver.types().count("payment_intent.created") == 1
    assert "payment_intent.succeeded" in receiver.types()
    latest = api.v1.events.list({"type": "payment_intent.created"}).data[0]
    assert latest.data.object.id == dropped.id


def test_webhooks_are_doubled_and_delayed(api, standin, receiver):
    standin.webhooks(duplicate=3)
    new_intent(api)
    assert standin.flush()
    assert receiver.types() == ["payment_intent.created"] * 3
    assert len({json.loads(payload)["id"] for payload, _ in receiver.payloads}) == 1
    standin.webhooks(delay=A_WHILE, types=("payment_intent.canceled",))
    api.v1.payment_intents.cancel(new_intent(api).id)
    api.v1.customers.create({})
    receiver.wait_for("customer.created")
    standin.forward(A_WHILE - 60)
    assert "payment_intent.canceled" not in receiver.types()
    standin.forward(60)
    receiver.wait_for("payment_intent.canceled")


def test_webhooks_do_not_wait_for_calls_that_hang(api, standin, receiver):
    standin.fault("hang", "charges.list", seconds=120)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(
            httpx.get, f"{standin.url}/v1/charges", auth=(standin.secret_key, ""), timeout=120
        )
        while not standin.hanging():
            assert not asked.done()
        new_intent(api)
        receiver.wait_for("payment_intent.created")
        assert standin.hanging() == 1
        standin.reset()
        with pytest.raises(httpx.TransportError):
            asked.result()


def test_an_address_that_is_none_is_a_delivery_in_vain(api, standin, receiver):
    original = receiver.url
    standin.send_webhooks_to("http://127.0.0.1:99999/webhook", "whsec_moved")
    new_intent(api)
    assert not standin.flush(timeout=0.3)
    assert "ValueError" in standin.deliveries()[0]["problem"]
    standin.send_webhooks_to(original, standin.webhook_secret)
    assert standin.flush()


def test_webhooks_come_in_reverse(api, standin, receiver):
    standin.webhooks(hold=True)
    new_intent(api, payment_method="pm_card_visa", confirm=True)
    standin.webhooks(order="reverse")
    assert standin.flush()
    assert receiver.types() == [
        "payment_intent.succeeded",
        "charge.succeeded",
        "payment_intent.created",
    ]


def test_an_event_is_sent_again_on_demand(api, standin, receiver):
    new_intent(api)
    receiver.wait_for("payment_intent.created")
    standin.resend(api.v1.events.list().data[0].id)
    assert standin.flush()
    assert receiver.types() == ["payment_intent.created"] * 2


def test_a_restart_keeps_objects_and_delivers_what_was_left(tmp_path, connect, receiver):
    state, keys = tmp_path / "stripe.sqlite3", Keys.fresh()
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{nobody.getsockname()[1]}/"
        with StandIn.start(webhook_url=dead, state=state, keys=keys, retry_delay=30) as first:
            api = connect(first)
            intent = api.v1.payment_intents.create(
                {"amount": 8999, "currency": "usd", "payment_method": "pm_card_visa"},
                {"idempotency_key": "k1"},
            )
            assert not first.flush(timeout=0.5)
            first.process.kill()
            first.process.wait()
    with StandIn.start(webhook_url=receiver.url, state=state, keys=keys) as second:
        api = connect(second)
        assert api.v1.payment_intents.retrieve(intent.id).to_dict() == intent.to_dict()
        again = api.v1.payment_intents.create(
            {"amount": 8999, "currency": "usd", "payment_method": "pm_card_visa"},
            {"idempotency_key": "k1"},
        )
        assert again.id == intent.id
        assert api.v1.payment_intents.confirm(intent.id).status == "succeeded"
        assert second.flush()
        assert receiver.wait_for("payment_intent.created")["id"] == intent.id


def test_the_receiver_can_move(api, standin, receiver):
    original = receiver.url
    standin.send_webhooks_to("http://127.0.0.1:9/webhook", "whsec_moved")
    new_intent(api)
    assert not standin.flush(timeout=0.3)
    standin.send_webhooks_to(f"{original}?moved=1", "whsec_moved")
    assert standin.flush()
    payload, signature = receiver.payloads[0]
    assert stripe.Webhook.construct_event(payload, signature, "whsec_moved")
    standin.send_webhooks_to(original, standin.webhook_secret)
