"""A stand-in killed in the middle of its work holds whole requests only."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import stripe

from devtools.stripe_standin.client import Keys, StandIn

WRITERS = 6


def test_killed_half_way_a_request_leaves_nothing_behind(tmp_path, connect):
    state, keys = tmp_path / "stripe.sqlite3", Keys.fresh()
    form = {"amount": 8999, "currency": "usd", "payment_method": "pm_card_visa", "confirm": True}
    with StandIn.start(state=state, keys=keys) as first:
        first.fault("crash", "payment_intents.create")
        with pytest.raises(stripe.APIConnectionError):
            connect(first).v1.payment_intents.create(form, {"idempotency_key": "k1"})
        assert first.process.wait(300) == 137
    with StandIn.start(state=state, keys=keys) as second:
        api = connect(second)
        assert api.v1.events.list().data == []
        made = api.v1.payment_intents.create(form, {"idempotency_key": "k1"})
        assert [item.id for item in api.v1.payment_intents.list().data] == [made.id]
        assert [item.payment_intent for item in api.v1.charges.list().data] == [made.id]


def test_killed_under_load_it_keeps_whole_requests(tmp_path, connect):
    state, keys = tmp_path / "stripe.sqlite3", Keys.fresh()
    seen: list[list[str]] = [[] for _ in range(WRITERS)]

    def buy_until_it_dies(api: stripe.StripeClient, writer: int) -> None:
        for number in range(10_000):
            try:
                intent = api.v1.payment_intents.create(
                    {
                        "amount": 8999,
                        "currency": "usd",
                        "payment_method": "pm_card_visa",
                        "confirm": True,
                    },
                    {"idempotency_key": f"{writer}-{number}"},
                )
            except stripe.APIConnectionError:
                return
            seen[writer].append(intent.id)

    with StandIn.start(state=state, keys=keys) as first, ThreadPoolExecutor(WRITERS) as pool:
        runs = [pool.submit(buy_until_it_dies, connect(first), n) for n in range(WRITERS)]
        while min(map(len, seen)) < 5:
            assert not any(run.done() for run in runs)
            time.sleep(0.01)
        first.process.kill()
        for run in runs:
            run.result()

    with StandIn.start(state=state, keys=keys) as second:
        api = connect(second)
        intents = {item.id: item for item in api.v1.payment_intents.list().auto_paging_iter()}
        charges = {item.id: item for item in api.v1.charges.list().auto_paging_iter()}
        settled = api.v1.events.list({"type": "payment_intent.succeeded"}).auto_paging_iter()
        assert set().union(*seen) <= set(intents), "what was answered is kept"
        assert {item.status for item in intents.values()} == {"succeeded"}
        assert {item.latest_charge for item in intents.values()} == set(charges)
        assert {event.data.object.id for event in settled} == set(intents)
        for writer in range(WRITERS):
            again = api.v1.payment_intents.create(
                {
                    "amount": 8999,
                    "currency": "usd",
                    "payment_method": "pm_card_visa",
                    "confirm": True,
                },
                {"idempotency_key": f"{writer}-0"},
            )
            assert again.id in intents, "its key is kept with it"
