"""Random histories of the marketplace, each step checked; see docs/proof.md."""

import os
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.proof.market import Tally
from tests.proof.returning import Returning
from tests.proof.working import Working
from tests.proof.world import World

# A whole run is `make state-test`; without it, a sample of the same histories every time.
STEPS = int(os.environ.get("PROOF_STEPS", "600"))
SHRINK = os.environ.get("PROOF_SHRINK", "on") != "off"
SHARD_STEPS = 5000
LONGEST_HISTORY = 125


MUST_HAPPEN = (
    "orders completed",
    "orders refunded",
    "orders failed",
    "refunds succeeded",
    "refunds failed",
    "enrollments revoked",
    "enrollments suspended",
    "disputes won",
    "disputes lost",
    "converged",
)


class Marketplace(Working, Returning):
    """Everybody at once."""


@pytest.mark.slow
@pytest.mark.timeout(0)
@pytest.mark.parametrize("shard", range(-(-STEPS // SHARD_STEPS)))
def test_money_stays_right(world: World, shard: int, record_property) -> None:
    tally = Tally()
    steps = min(STEPS, SHARD_STEPS)
    length = min(LONGEST_HISTORY, steps // 4)

    @seed(shard)
    def history() -> Marketplace:
        return Marketplace(world, tally)

    run_state_machine_as_test(
        cast(Any, history),
        settings=settings(
            max_examples=steps // length,
            stateful_step_count=length,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.generate, Phase.shrink) if SHRINK else (Phase.generate,),
            report_multiple_bugs=False,
        ),
    )
    record_property("tally", tally.as_json())
    # What no history came to was not shown to hold.
    missing = {name for name in MUST_HAPPEN if not tally.outcomes[name]}
    assert not missing or steps < SHARD_STEPS, missing
