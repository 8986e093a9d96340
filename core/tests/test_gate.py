"""Heavy work, one by one: who waits for his turn, and how many may."""

import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from typing import Any

import pytest

from core import process
from core.errors import Unavailable
from core.gate import Gate
from core.waits import slow_waits

THREADS, MAY_WAIT = 8, 5


@pytest.fixture(autouse=True)
def _web(settings: Any) -> Iterator[None]:
    """This process is a web process, whose requests wait as long as it takes."""
    settings.HEAVY_WAIT_SECONDS, settings.SLOW_WAITS = 60.0, MAY_WAIT
    before = process.role()
    process.become("web")
    yield
    process.become(before)
    assert slow_waits.count == 0


def pass_through(gate: Gate) -> str:
    try:
        with gate.passed():
            return "passed"
    except Unavailable:
        return "refused"


def test_only_so_many_wait_for_their_turn_and_the_rest_are_refused_at_once() -> None:
    gate = Gate()
    with ThreadPoolExecutor(THREADS) as pool:
        with gate.passed():
            asked = {pool.submit(pass_through, gate) for _ in range(THREADS)}
            refused: set[Any] = set()
            while len(refused) < THREADS - MAY_WAIT:
                done, _ = wait(asked - refused, timeout=30, return_when=FIRST_COMPLETED)
                assert done, "all of them wait"
                refused |= done
            assert slow_waits.count == MAY_WAIT
        assert {future.result() for future in refused} == {"refused"}
        assert {future.result() for future in asked - refused} == {"passed"}


def test_who_finds_it_free_needs_no_place_among_those_who_wait(settings: Any) -> None:
    settings.SLOW_WAITS = 0
    assert pass_through(Gate()) == "passed"


def test_nobody_is_refused_where_nobody_else_needs_the_threads() -> None:
    process.become("worker")
    gate = Gate()
    with ThreadPoolExecutor(THREADS) as pool:
        with gate.passed():
            asked = [pool.submit(pass_through, gate) for _ in range(THREADS)]
            while slow_waits.count < THREADS:
                assert not any(future.done() for future in asked)
                time.sleep(0.01)
        assert {future.result() for future in asked} == {"passed"}
