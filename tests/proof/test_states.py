"""Random histories of the marketplace, each step checked; see docs/proof.md."""

import os
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.proof.deciding import Deciding
from tests.proof.earning import Earning
from tests.proof.market import Tally
from tests.proof.returning import Returning
from tests.proof.working import Working
from tests.proof.world import World

# A whole run is `make state-test`; without it, a sample of the same histories every time.
STEPS = int(os.environ.get("PROOF_STEPS", "600"))
SHRINK = os.environ.get("PROOF_SHRINK", "on") != "off"
SHARD_STEPS = 5000
LONGEST_HISTORY = 125


class Marketplace(Working, Returning, Deciding, Earning):
    """Everybody at once."""


@pytest.mark.slow
@pytest.mark.timeout(0)
@pytest.mark.parametrize("shard", range(-(-STEPS // SHARD_STEPS)))
def test_money_stays_right(world: World, shard: int, record_property: Any) -> None:
    tally = Tally()
    wanted = min(STEPS, SHARD_STEPS)
    # One of a few steps may take none at all.
    length = max(10, min(LONGEST_HISTORY, wanted // 4))
    # Some histories end before they are that long.
    for turn in count():
        left = wanted - tally.steps
        if left <= 0:
            break
        make_history(world, tally, seed(1000 * shard + turn), length, -(-left // length))
    record_property("tally", tally.as_json())


def make_history(world: World, tally: Tally, seeded: Any, length: int, times: int) -> None:
    """Make so many histories of up to that many steps. Raises what the shortest failing one does,
    and prints that one as a script."""
    run_state_machine_as_test(
        seeded(lambda: Marketplace(world, tally)),
        settings=settings(
            max_examples=times,
            stateful_step_count=length,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.generate, Phase.shrink) if SHRINK else (Phase.generate,),
            report_multiple_bugs=False,
        ),
    )
