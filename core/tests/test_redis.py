"""A Redis that is down or black-holed costs one caller half a second, and nobody else anything."""

import socket
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
import redis
from django.conf import settings as configured
from django.core.cache import cache
from django_redis import get_redis_connection
from kombu.transport.redis import Channel

from core.health import check_readiness
from core.nudge import broker_answers, nudge
from core.redis import GuardedRedis, RedisLeftAlone, breaker
from tests.broker import another_broker

PAUSE = 3600.0
# Far more than a time-out, on however busy a machine; a black hole holds for ever.
GIVEN_UP = 60.0
# How long an address is given that nobody answers at.
IMPATIENT = 0.5
QUEUE = "lf-celery:learning"


@pytest.fixture(autouse=True)
def _pausing(settings: Any) -> Iterator[None]:
    settings.REDIS_PAUSE_SECONDS = PAUSE
    breaker.reset()
    yield
    breaker.reset()


@pytest.fixture
def black_hole() -> Iterator[str]:
    """The address of a server that takes connections and never says a word."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(16)
        yield f"redis://127.0.0.1:{silent.getsockname()[1]}/0"


@pytest.fixture
def time_outs(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """What was waited for in vain, from now on."""
    met: list[BaseException] = []
    failed = breaker.failed

    def note(exc: BaseException) -> None:
        met.append(exc)
        failed(exc)

    monkeypatch.setattr(breaker, "failed", note)
    return met


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address where nothing listens; it is taken, so that nobody else does."""
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        yield f"redis://127.0.0.1:{deaf.getsockname()[1]}/0"


@pytest.fixture
def point_at(settings: Any) -> Iterator[Any]:
    """Let cache and broker be at another address, where nobody answers if not told otherwise."""

    def point(url: str, *, patience: float = IMPATIENT) -> None:
        settings.REDIS_TIMEOUT_SECONDS = patience
        cache_there = {**configured.CACHES["default"], "LOCATION": url}
        time_outs = {"SOCKET_CONNECT_TIMEOUT": patience, "SOCKET_TIMEOUT": patience}
        cache_there["OPTIONS"] = {**cache_there["OPTIONS"], **time_outs}
        settings.CACHES = {"default": cache_there}
        nudge_to(url)

    with another_broker() as nudge_to:
        yield point


def seconds_of(call: Any) -> float:
    begun = time.monotonic()
    call()
    return time.monotonic() - begun


def use_everything() -> None:
    """What a request asks of Redis: throttle, cache, counting, nudges."""
    cache.add("count", 0, timeout=60)
    assert not cache.incr("count")
    assert cache.get("key") is None
    cache.set("key", 1)
    with pytest.raises(redis.ConnectionError):
        get_redis_connection("default").get("key")
    nudge("core.tasks.deliver_outbox")


def test_a_black_hole_costs_one_time_out_whoever_meets_it_first(
    point_at: Any, black_hole: str, time_outs: list[BaseException]
) -> None:
    point_at(black_hole)
    for _ in range(100):
        use_everything()
    assert len(time_outs) == 1


def test_a_nudge_into_a_black_hole_is_given_up_soon_and_tells_the_cache(
    point_at: Any, black_hole: str, time_outs: list[BaseException]
) -> None:
    point_at(black_hole)
    assert seconds_of(lambda: nudge("core.tasks.deliver_outbox")) < GIVEN_UP
    assert breaker.is_open
    cache.get("key")
    assert len(time_outs) == 1


def test_a_dead_redis_neither_raises_nor_waits(point_at: Any, nobody: str) -> None:
    point_at(nobody)
    assert seconds_of(lambda: nudge("core.tasks.deliver_outbox")) < GIVEN_UP
    assert breaker.is_open
    breaker.reset()
    assert seconds_of(lambda: cache.get("key")) < GIVEN_UP
    assert breaker.is_open


@pytest.mark.django_db
def test_readiness_tells_of_it_in_time(point_at: Any, black_hole: str) -> None:
    point_at(black_hole)
    begun = time.monotonic()
    checks = check_readiness().checks
    assert time.monotonic() - begun < GIVEN_UP
    assert (checks["database"], checks["cache"], checks["broker"]) == (True, False, False)


def test_the_brokers_own_check_is_given_up_soon(point_at: Any, black_hole: str) -> None:
    point_at(black_hole)
    begun = time.monotonic()
    with pytest.raises(Exception, match=r"[Tt]imeout|timed out"):
        broker_answers()
    assert time.monotonic() - begun < GIVEN_UP
    assert not broker_answers()


def test_after_the_pause_it_is_used_again(settings: Any) -> None:
    breaker.failed(redis.TimeoutError())
    with pytest.raises(RedisLeftAlone):
        get_redis_connection("default").ping()
    settings.REDIS_PAUSE_SECONDS = 0.0
    breaker.failed(redis.TimeoutError())  # As of now the pause is over.
    assert broker_answers()
    assert not breaker.is_open
    cache.set("key", 1)
    assert cache.get("key") == 1
    cache.delete("key")


def test_a_refusal_is_an_answer(caplog: pytest.LogCaptureFixture) -> None:
    connection = get_redis_connection("default")
    with pytest.raises(redis.ResponseError):
        connection.execute_command("NO-SUCH-COMMAND")
    assert not breaker.is_open
    assert "Redis refused NO-SUCH-COMMAND" in caplog.text


def test_a_nudge_reaches_the_broker(point_at: Any) -> None:
    url = urlunsplit(urlsplit(configured.REDIS_URL)._replace(path="/15"))
    point_at(url, patience=configured.REDIS_TIMEOUT_SECONDS)
    with redis.Redis.from_url(url) as broker:
        broker.delete(QUEUE)
        nudge("core.tasks.deliver_outbox")
        assert broker.llen(QUEUE) == 1
        broker.delete(QUEUE)
    assert not breaker.is_open


def test_nudges_ask_by_one_client(point_at: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []
    make = Channel._create_client

    def count(channel: Channel, **options: Any) -> Any:
        made.append(channel)
        return make(channel, **options)

    monkeypatch.setattr(Channel, "_create_client", count)
    url = urlunsplit(urlsplit(configured.REDIS_URL)._replace(path="/15"))
    point_at(url, patience=configured.REDIS_TIMEOUT_SECONDS)
    with redis.Redis.from_url(url) as broker:
        nudge("core.tasks.deliver_outbox", queue="bulk")
        made.clear()
        nudge("core.tasks.deliver_outbox", queue="bulk")
        broker.delete("lf-celery:bulk")
    assert made == []


def test_clearing_the_cache_takes_no_messages_along() -> None:
    connection = get_redis_connection("default")
    connection.set("of-somebody-else", 1)
    cache.set("key", 1)
    cache.clear()
    assert cache.get("key") is None
    assert connection.getdel("of-somebody-else") == b"1"


def test_the_cache_is_guarded() -> None:
    assert isinstance(get_redis_connection("default"), GuardedRedis)
