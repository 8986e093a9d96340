"""Who is there of those that no request reaches."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
import time_machine

from core import heartbeats

pytestmark = pytest.mark.django_db
NOON = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def _watched(settings: Any) -> None:
    settings.WATCHED_PROCESSES = ["worker-money", "beat"]
    heartbeats._given.clear()


def _alive() -> dict[str, bool]:
    return {life.role: life.is_alive for life in heartbeats.look()}


def test_whoever_gives_no_sign_is_gone_after_a_while() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        assert [life.seconds_ago for life in heartbeats.look()] == [None, None]
        heartbeats.give_sign(["beat"])
        assert _alive() == {"worker-money": False, "beat": True}
        clock.shift(heartbeats.GONE_AFTER_SECONDS)
        assert _alive()["beat"]
        clock.shift(1)
        assert not _alive()["beat"]
        heartbeats.give_sign(["beat"])
        assert _alive()["beat"]


def test_signs_are_given_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    written = []
    monkeypatch.setattr(
        "core.heartbeats.cache.set", lambda key, *_, **__: written.append(key), raising=False
    )
    with time_machine.travel(NOON, tick=False) as clock:
        for _ in range(11):
            heartbeats.give_sign(["beat"])
            clock.shift(1)
    assert len(written) == 3


def test_a_container_looks_at_its_own_file(settings: Any, tmp_path: Path) -> None:
    settings.ALIVE_FILE = str(tmp_path / "alive")
    heartbeats.give_sign(["beat"])
    assert (tmp_path / "alive").exists()
