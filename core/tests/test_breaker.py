"""What has failed is left alone, and tried again by one."""

import pytest

from core import breaker as module
from core.breaker import Breaker

PAUSE = 5.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time as the breaker sees it: `clock[0]`."""
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def breaker(clock: list[float]) -> Breaker:
    return Breaker("It", pause=lambda: PAUSE)


def test_what_answers_is_called(breaker: Breaker) -> None:
    assert all(breaker.allows() for _ in range(3))
    breaker.succeeded()
    assert breaker.allows()
    assert not breaker.is_open


def test_what_failed_is_left_alone_for_the_pause(breaker: Breaker, clock: list[float]) -> None:
    breaker.failed(TimeoutError())
    assert breaker.is_open
    assert not breaker.allows()
    clock[0] += PAUSE - 0.01
    assert not breaker.allows()


def test_after_the_pause_one_tries(breaker: Breaker, clock: list[float]) -> None:
    breaker.failed(TimeoutError())
    clock[0] += PAUSE
    assert [breaker.allows() for _ in range(3)] == [True, False, False]


def test_a_try_that_works_lets_everybody_in(breaker: Breaker, clock: list[float]) -> None:
    breaker.failed(TimeoutError())
    clock[0] += PAUSE
    assert breaker.allows()
    breaker.succeeded()
    assert [breaker.allows() for _ in range(3)] == [True, True, True]


def test_a_try_that_fails_or_never_ends_costs_another_pause(
    breaker: Breaker, clock: list[float]
) -> None:
    breaker.failed(TimeoutError())
    clock[0] += PAUSE
    assert breaker.allows()
    breaker.failed(TimeoutError())
    assert not breaker.allows()
    clock[0] += PAUSE
    assert breaker.allows()
    clock[0] += PAUSE
    assert breaker.allows()


def test_it_tells_once_that_something_is_away_and_once_that_it_is_back(
    breaker: Breaker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    for _ in range(3):
        breaker.failed(TimeoutError("slow"))
    for _ in range(3):
        breaker.succeeded()
    assert caplog.messages == [
        "It doesn't answer and is left alone for a while: slow",
        "It answers again",
    ]
