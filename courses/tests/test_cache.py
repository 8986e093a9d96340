"""What a process remembers of the catalogue, and for how long."""

from typing import Any

import pytest

from courses import cache as memory_module
from courses.cache import ALWAYS, STALE_SECONDS, Memory


class Clock:
    now = 100.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(memory_module, "time", clock)
    return clock


@pytest.fixture
def written(monkeypatch):
    """The generation, to be changed by a test."""
    current = ["first"]
    monkeypatch.setattr(memory_module, "generation", lambda: current[0])
    return current


def test_a_value_is_remembered_for_its_time(clock, written):
    memory: Memory[Any] = Memory(size=2)
    assert memory.find("a") is None
    memory.keep("a", 1, seconds=1, since="first")
    clock.now += 0.9
    assert memory.find("a") == 1
    clock.now += 0.2
    assert memory.find("a") is None


def test_only_the_first_makes_the_next_one(clock, written):
    memory: Memory[Any] = Memory(size=2)
    memory.keep("a", 1, seconds=1, since="first")
    clock.now += 1.1
    assert [memory.find("a") for _ in range(3)] == [None, 1, 1]
    clock.now += STALE_SECONDS
    assert memory.find("a") is None


def test_what_has_no_next_value_is_dropped(clock, written):
    memory: Memory[Any] = Memory(size=2)
    memory.keep("a", 1, seconds=1, since="first")
    clock.now += 1.1
    assert memory.find("a") is None
    memory.drop("a")
    memory.drop("never kept")
    assert memory.find("a") is None


def test_a_new_generation_ends_what_was_made_before_it(clock, written):
    memory: Memory[Any] = Memory(size=2)
    memory.keep("a", 1, seconds=60, since="first")
    memory.keep("b", 1, seconds=60, since=ALWAYS)
    written[0] = "second"
    assert memory.find("a") is None
    assert memory.find("b") == 1
    clock.now += STALE_SECONDS
    assert memory.find("a") is None


def test_what_was_made_during_a_write_is_not_trusted(clock, written):
    memory: Memory[Any] = Memory(size=2)
    since = written[0]
    written[0] = "second"
    memory.keep("a", 1, seconds=60, since=since)
    assert memory.find("a") is None


def test_it_is_bounded_and_can_be_switched_off(clock, written):
    memory: Memory[Any] = Memory(size=2)
    memory.keep("off", 1, seconds=0, since="first")
    assert memory.find("off") is None
    for name in "abc":
        memory.keep(name, name, seconds=60, since="first")
    assert [memory.find(name) for name in "abc"] == [None, "b", "c"]
