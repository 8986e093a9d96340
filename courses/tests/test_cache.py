"""What a process remembers of the catalogue, and for how long."""

from typing import Any

import pytest

from courses import cache as memory_module
from courses.cache import ALWAYS, STALE_SECONDS, SWEEP_SECONDS, Memory


class Clock:
    now = 100.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(memory_module, "time", clock)
    monkeypatch.setattr(memory_module, "_next_sweep", clock.now)
    return clock


@pytest.fixture
def written(monkeypatch):
    """The generation, to be changed by a test."""
    current = ["first"]
    monkeypatch.setattr(memory_module, "generation", lambda: current[0])
    return current


def test_a_value_is_remembered_for_its_time(clock, written):
    memory: Memory[Any] = Memory("pages")
    assert memory.find("a") is None
    memory.keep("a", 1, seconds=1, since="first")
    clock.now += 0.9
    assert memory.find("a") == 1
    clock.now += 0.2
    assert memory.find("a") is None


def test_only_the_first_makes_the_next_one(clock, written):
    memory: Memory[Any] = Memory("pages")
    memory.keep("a", 1, seconds=1, since="first")
    clock.now += 1.1
    assert [memory.find("a") for _ in range(3)] == [None, 1, 1]
    clock.now += STALE_SECONDS
    assert memory.find("a") is None


def test_what_has_no_next_value_is_dropped(clock, written):
    memory: Memory[Any] = Memory("pages")
    memory.keep("a", 1, seconds=1, since="first")
    clock.now += 1.1
    assert memory.find("a") is None
    memory.drop("a")
    memory.drop("never kept")
    assert memory.find("a") is None


def test_a_new_generation_ends_what_was_made_before_it(clock, written):
    memory: Memory[Any] = Memory("pages")
    memory.keep("a", 1, seconds=60, since="first")
    memory.keep("b", 1, seconds=60, since=ALWAYS)
    written[0] = "second"
    assert memory.find("a") is None
    assert memory.find("b") == 1
    clock.now += STALE_SECONDS
    assert memory.find("a") is None


def test_what_was_made_during_a_write_is_not_trusted(clock, written):
    memory: Memory[Any] = Memory("pages")
    since = written[0]
    written[0] = "second"
    memory.keep("a", 1, seconds=60, since=since)
    assert memory.find("a") is None


def test_it_can_be_switched_off(clock, written):
    memory: Memory[Any] = Memory("pages")
    memory.keep("off", 1, seconds=0, since="first")
    assert memory.find("off") is None


def test_it_is_bounded_in_bytes_keys_included(clock, written, settings):
    settings.CATALOGUE_MEMORY_BYTES = 100_000
    bound = 100_000 * memory_module.SHARES["pages"]
    memory: Memory[Any] = Memory("pages")
    for number in range(1_000):
        memory.keep(f"{number}-{'k' * 500}", "v" * 500, seconds=60, since="first")
        assert memory.size <= bound
    assert bound / 3_000 < len(memory) < bound / 1_000
    assert memory.find(f"999-{'k' * 500}") == "v" * 500
    assert memory.find(f"0-{'k' * 500}") is None


def test_what_is_too_large_is_not_kept_and_leaves_nothing_older(clock, written, settings):
    settings.CATALOGUE_ENTRY_BYTES = 10_000
    memory: Memory[Any] = Memory("pages")
    memory.keep("a", b"small", seconds=60, since="first")
    memory.keep("b", b"other", seconds=60, since="first")
    memory.keep("a", b"x" * 10_000, seconds=60, since="first")
    assert memory.find("a") is None
    assert memory.find("b") == b"other"
    memory.drop("b")
    assert memory.size == 0


def test_what_is_too_old_goes_without_being_asked_for(clock, written):
    memory: Memory[Any] = Memory("pages")
    another: Memory[Any] = Memory("pages")
    for number in range(100):
        memory.keep(number, b"x" * 1_000, seconds=1, since="first")
    clock.now += 1 + STALE_SECONDS + SWEEP_SECONDS
    another.find("anything")
    assert (len(memory), memory.size) == (0, 0)


def test_the_memories_of_a_process_share_one_bound():
    assert sum(memory_module.SHARES.values()) == pytest.approx(1)
