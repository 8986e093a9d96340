"""The stand-in's time is the machine's until a test moves it ahead."""

import time

import pytest
import stripe

from devtools.stripe_standin.client import A_WHILE, Keys, StandIn, StandInError

DAY = 24 * 3600


def intent_of(api, key=None, amount=500):
    given = {"amount": amount, "currency": "usd"}
    return api.v1.payment_intents.create(given, {"idempotency_key": key} if key else {})


def test_what_is_made_after_a_step_is_later_by_the_step(api, standin):
    first = intent_of(api)
    standin.forward(30 * DAY)
    later = intent_of(api)
    assert 30 * DAY <= later.created - first.created < 31 * DAY
    listed = api.v1.events.list({"created": {"gte": first.created + DAY}})
    assert [event.data.object.id for event in listed.data] == [later.id]


def test_steps_add_up_and_a_reset_takes_them_back(api, standin):
    standin.forward(DAY)
    standin.forward(DAY)
    assert intent_of(api).created >= time.time() - 60 + 2 * DAY
    standin.reset()
    assert intent_of(api).created < time.time() + 60


@pytest.mark.parametrize("seconds", [-1, float("inf"), float("nan"), "soon"])
def test_time_only_goes_ahead(standin, seconds):
    with pytest.raises((StandInError, ValueError)):
        standin.forward(seconds)
    assert standin.forward(0) == 0


def test_an_idempotency_key_lapses_after_a_day(api, standin):
    first = intent_of(api, "key")
    standin.forward(DAY - 60)
    assert intent_of(api, "key").id == first.id
    standin.forward(61)
    assert intent_of(api, "key").id != first.id


def test_a_card_runs_out(api, standin):
    year = time.gmtime().tm_year
    card = {"number": "4242424242424242", "exp_month": 12, "exp_year": year, "cvc": "123"}
    api.v1.payment_methods.create({"type": "card", "card": card})
    standin.forward(366 * DAY)
    with pytest.raises(stripe.CardError):
        api.v1.payment_methods.create({"type": "card", "card": card})


def test_jobs_are_done_in_their_order_and_outlive_a_restart(tmp_path, connect):
    state, keys = tmp_path / "stripe.sqlite3", Keys.fresh()
    given = {"amount": 500, "currency": "usd", "confirm": True}
    given["payment_method"] = "pm_usBankAccount_success"
    given["payment_method_types"] = ["us_bank_account"]
    with StandIn.start(state=state, keys=keys) as standin:
        api = connect(standin)
        early = api.v1.payment_intents.create(given)
        standin.forward(A_WHILE / 2)
        late = api.v1.payment_intents.create(given)
        assert early.status == late.status == "processing"
    with StandIn.start(state=state, keys=keys) as standin:
        api = connect(standin)
        assert standin.forward(A_WHILE / 2 + 60) >= 1
        assert api.v1.payment_intents.retrieve(early.id).status == "succeeded"
        assert api.v1.payment_intents.retrieve(late.id).status == "processing"
        standin.forward(A_WHILE)
        assert api.v1.payment_intents.retrieve(late.id).status == "succeeded"
