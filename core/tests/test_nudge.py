"""A nudge is a hint: a broker that is down or black-holed costs next to nothing."""

import socket
import time

import pytest
from celery import current_app

from core import nudge as module
from core.nudge import nudge


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_paused_until", 0.0)


def _point_at(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(current_app.conf, "broker_url", url)
    monkeypatch.setattr(current_app.conf, "broker_write_url", url)
    current_app.pool.force_close_all()
    monkeypatch.setattr(current_app, "_pool", None)
    monkeypatch.setattr(current_app.amqp, "_producer_pool", None)


def test_a_dead_broker_neither_raises_nor_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        _point_at(f"redis://127.0.0.1:{closed.getsockname()[1]}/0", monkeypatch)
    begun = time.monotonic()
    nudge("core.tasks.deliver_outbox")
    first = time.monotonic() - begun
    for _ in range(1000):
        nudge("core.tasks.deliver_outbox")
    assert module._paused_until > time.monotonic(), "the broker is left alone for a while"
    assert time.monotonic() - begun < first + 1.0


def test_a_black_holed_broker_is_given_up_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(1)  # takes the connection and never says a word
        _point_at(f"redis://127.0.0.1:{silent.getsockname()[1]}/0", monkeypatch)
        begun = time.monotonic()
        nudge("core.tasks.deliver_outbox")
        assert time.monotonic() - begun < 15
    assert module._paused_until > time.monotonic()
