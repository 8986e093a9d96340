"""`Idempotency-Key`: replayed, refused, in flight, expired, and what is never stored."""

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import stripe

PARAMS = {"amount": 8999, "currency": "usd", "metadata": {"order": "1"}}


def create(api, key, **given):
    return api.v1.payment_intents.create({**PARAMS, **given}, {"idempotency_key": key})


def error_of(caught):
    """The error object of a refused call."""
    return caught.value.error


def test_the_same_request_gets_the_same_answer(api):
    first = create(api, "k1")
    again = create(api, "k1")
    assert again.id == first.id
    assert "Idempotent-Replayed" not in first.last_response.headers
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    assert again.last_response.headers["Original-Request"] == first.last_response.request_id
    assert again.last_response.body == first.last_response.body
    assert len(api.v1.payment_intents.list().data) == 1
    assert len(api.v1.events.list().data) == 1


def test_the_stored_answer_is_that_of_the_first_time(api):
    first = create(api, "k1")
    api.v1.payment_intents.cancel(first.id)
    assert create(api, "k1").status == "requires_payment_method"


def test_other_parameters_are_refused(api):
    create(api, "k1")
    with pytest.raises(stripe.IdempotencyError, match="same parameters") as caught:
        create(api, "k1", amount=100)
    assert caught.value.http_status == 400
    assert error_of(caught).type == "idempotency_error"
    assert len(api.v1.payment_intents.list().data) == 1


def test_another_endpoint_is_refused(api):
    intent = create(api, "k1")
    with pytest.raises(stripe.IdempotencyError, match="same endpoint"):
        api.v1.payment_intents.cancel(intent.id, None, {"idempotency_key": "k1"})
    assert api.v1.payment_intents.retrieve(intent.id).status == "requires_payment_method"


def test_a_decline_is_stored_and_charged_once(api):
    intent = create(api, "k1")
    options = {"idempotency_key": "pay-1"}
    method = {"payment_method": "pm_card_visa_chargeDeclined"}
    for _ in range(2):
        with pytest.raises(stripe.CardError):
            api.v1.payment_intents.confirm(intent.id, method, options)
    assert len(api.v1.charges.list().data) == 1


def test_a_request_refused_before_its_work_is_not_stored(api, standin):
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.payment_intents.create({**PARAMS, "foo": "1"}, {"idempotency_key": "k1"})
    wrong = httpx.post(
        f"{standin.url}/v1/payment_intents",
        data={"amount": "1"},
        headers={"Authorization": "Bearer sk_test_wrong", "Idempotency-Key": "k1"},
        timeout=60,
    )
    assert wrong.status_code == 401
    assert create(api, "k1").amount == 8999


def test_a_500_is_stored_and_a_503_at_the_door_is_not(api, standin):
    standin.fault("fail", "payment_intents.create", status=500)
    for _ in range(2):
        with pytest.raises(stripe.APIError) as caught:
            create(api, "k1")
        assert caught.value.http_status == 500
    assert (caught.value.headers or {})["Idempotent-Replayed"] == "true"
    standin.fault("refuse", "payment_intents.create", status=503)
    with pytest.raises(stripe.APIError):
        create(api, "k2")
    assert create(api, "k2").amount == 8999


def test_a_second_request_while_the_first_runs_is_a_conflict(api, standin):
    # The first runs longer when, on a busy machine, the second came too late to meet it.
    for seconds in (1, 5, 25, 125):
        standin.reset()
        first, second = ask_twice(standin, lasting=seconds)
        assert first.status_code == 200
        if second.status_code == 409:
            break
    assert second.json()["error"]["code"] == "idempotency_key_in_use"
    assert len(api.v1.payment_intents.list().data) == 1


def ask_twice(standin, *, lasting: float) -> tuple[httpx.Response, httpx.Response]:
    """Ask for the same while the first request runs, which it does for so many seconds."""
    standin.fault("hang", "payment_intents.create", seconds=lasting)

    def ask() -> httpx.Response:
        return httpx.post(
            f"{standin.url}/v1/payment_intents",
            data={"amount": "500", "currency": "usd"},
            headers={"Authorization": f"Bearer {standin.secret_key}", "Idempotency-Key": "k1"},
            timeout=300,
        )

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(ask)
        while not (standin.hanging() or first.done()):
            time.sleep(0.01)
        second = ask()
        return first.result(), second


def test_twenty_at_once_make_one_intent(standin, api, connect):
    client = connect(standin, retries=20)
    with ThreadPoolExecutor(20) as pool:
        intents = list(pool.map(lambda _: create(client, "same"), range(20)))
    assert len({intent.id for intent in intents}) == 1
    assert len(api.v1.payment_intents.list().data) == 1


def test_twenty_different_ones_at_once_all_succeed(standin, api, connect):
    client = connect(standin)
    with ThreadPoolExecutor(20) as pool:
        intents = list(
            pool.map(
                lambda n: create(client, f"k{n}", payment_method="pm_card_visa", confirm=True),
                range(40),
            )
        )
    assert {intent.status for intent in intents} == {"succeeded"}
    assert len({intent.id for intent in intents}) == 40
    assert len(api.v1.charges.list({"limit": 100}).data) == 40


def test_keys_end_after_their_day(api, standin):
    first = create(api, "k1")
    standin.expire_idempotency_keys()
    assert create(api, "k1", amount=100).id != first.id


def test_a_dropped_answer_is_recovered_with_the_key(api, standin, connect):
    standin.fault("drop", "payment_intents.create")
    with pytest.raises(stripe.APIConnectionError):
        create(api, "k1")
    made = api.v1.payment_intents.list().data
    assert len(made) == 1
    assert create(api, "k1").id == made[0].id
    standin.fault("drop", "refunds.create")
    paid = create(api, "k2", payment_method="pm_card_visa", confirm=True)
    patient = connect(standin, retries=2)
    refund = patient.v1.refunds.create({"payment_intent": paid.id})
    assert [item.id for item in api.v1.refunds.list().data] == [refund.id]
