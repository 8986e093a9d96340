"""Stripe's events in every order, with one of them twice: the same end, whatever came first."""

import os
import random

import pytest

from tests.proof.lifecycles import LIVES, Live, choose, record_life, tell
from tests.proof.world import World

# Every order in `make state-test`; else some, the same each time.
ALL = "PROOF_STEPS" in os.environ
SAMPLE = 12


@pytest.mark.slow
@pytest.mark.timeout(0 if ALL else 1800)
@pytest.mark.parametrize("stale", [False, True], ids=["fresh", "stale"])
@pytest.mark.parametrize(("live", "kinds"), LIVES, ids=[live.__name__ for live, _ in LIVES])
def test_any_order_ends_the_same(
    world: World, live: Live, kinds: tuple[str, ...], stale: bool, record_property
) -> None:
    world.reset()
    life = record_life(world, live, kinds)
    secret = world.bank.standin.webhook_secret
    expected = tell(life, life.loose, secret, stale=False)
    assert expected["unhandled"] == []
    orders = choose(life, None if ALL else SAMPLE, random.Random(live.__name__))
    for order in orders:
        found = tell(life, order, secret, stale=stale)
        assert found == expected, [event["type"] for event in order]
    record_property("event orders", len(orders))
