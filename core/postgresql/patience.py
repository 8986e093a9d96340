"""How long we wait for PostgreSQL, seen from this side of the connection.

The server ends a statement that takes too long (`statement_timeout`), and the system a connection
whose other side is gone (`tcp_user_timeout`, keepalives). Neither helps when something on the way,
such as a proxy or a stalled server, takes everything and never answers. So a web process counts
itself: after `DATABASE_STATEMENT_SECONDS`, and a little for the server's own answer, the connection
is closed. Only so many threads may wait for longer than a second (`core.waits`). And when nothing
at all was heard meanwhile, all requests leave PostgreSQL alone for `DATABASE_PAUSE_SECONDS`. The
same holds for whoever asks a name server where PostgreSQL is.
"""

import threading
import time
from collections.abc import Generator, Iterator
from concurrent.futures import wait
from contextlib import contextmanager
from typing import Any, NoReturn, TypeVar

import psycopg
from django.conf import settings
from psycopg.abc import PQGen, PQGenConn

from core.breaker import Breaker
from core.postgresql import names
from core.process import role
from core.waits import slow_waits

_T = TypeVar("_T")

# Who waited longer is one of those of whom there may be only so many.
_SLOW_SECONDS = 1.0
# What the server has for saying itself that a statement took too long.
_GRACE_SECONDS = 2.0
# How long to wait for an address where connecting has no end of its own.
_NAME_SECONDS = 5.0
_TOO_MANY = "and as many requests as may wait for an answer do"
# How often psycopg looks up while it waits.
_INTERVAL = 0.1
# What its `wait` raises when the time it was given is over: so documented, if not public by name.
_NotYet = psycopg.errors._WaitTimeout

breaker = Breaker("PostgreSQL", pause=lambda: settings.DATABASE_PAUSE_SECONDS)


class ServerSilent(psycopg.OperationalError):
    """PostgreSQL doesn't answer, or just didn't and isn't asked now."""


_connecting = threading.local()
_hurry = threading.local()


class _Hearing:
    """When this process last heard from PostgreSQL."""

    at = float("-inf")


class PatientConnection(psycopg.Connection[Any]):
    """A connection whose user doesn't wait for ever, in a web process."""

    @classmethod
    def _connect_gen(cls, conninfo: str = "") -> PQGenConn[Any]:
        generator = super()._connect_gen(conninfo)
        if role() != "web":
            return generator
        watch: PQGenConn[Any] = _watched(generator, _hurried(None))
        _connecting.watch = watch
        return watch

    @classmethod
    def connect(cls, *args: Any, **options: Any) -> Any:
        """Connect, unless PostgreSQL is left alone. Raises what psycopg does, and ServerSilent."""
        if role() != "web":
            return super().connect(*args, **options)
        if breaker.is_open:
            _require_answering()
        if names.has_name(options):
            options.update(_whereabouts(options))
        try:
            return super().connect(*args, **options)
        except psycopg.errors.ConnectionTimeout as exc:
            breaker.failed(exc)
            raise
        finally:
            # One that took too long is left in the middle.
            if watch := _connecting.__dict__.pop("watch", None):
                watch.close()

    def wait(self, gen: PQGen[_T], interval: float = _INTERVAL, timeout: float | None = None) -> _T:
        if role() != "web" or timeout is not None:
            return super().wait(gen, interval, timeout)
        if breaker.is_open:
            _require_answering()
        try:
            # Nearly always enough, and psycopg's alone: watching it from here would cost every
            # statement some microseconds.
            value = super().wait(gen, interval, _SLOW_SECONDS)
        except _NotYet:
            return self._wait_on(gen, interval)
        _heard()
        return value

    def _wait_on(self, gen: PQGen[_T], interval: float) -> _T:
        """Wait for what has taken `_SLOW_SECONDS` already."""
        left = _hurried(_seconds_left_after(_SLOW_SECONDS))
        seconds = None if left is None else left + _SLOW_SECONDS
        watch = _watched(gen, seconds, waited=_SLOW_SECONDS)
        try:
            return super().wait(watch, interval)
        except ServerSilent:
            # Whatever comes on it later answers a question that nobody asks any more.
            self.close()
            raise
        finally:
            watch.close()


def _whereabouts(options: dict[str, Any]) -> dict[str, str]:
    """Return the addresses that its name stands for. Raises what psycopg does for a name that there
    isn't, and ServerSilent when nobody says in time."""
    since = time.monotonic()
    asked = names.look_up(options)
    if wait([asked], timeout=_SLOW_SECONDS).done:
        return asked.result()
    with slow_waits.entered() as is_in:
        if not is_in:
            _give_up(since, f"its name isn't resolved, {_TOO_MANY}")
        seconds = float(options.get("connect_timeout") or _NAME_SECONDS)
        wait([asked], timeout=_hurried(max(_SLOW_SECONDS, seconds - _SLOW_SECONDS)))
        if not asked.done() or asked.exception():
            _give_up(since, "its name isn't resolved")
        return asked.result()


@contextmanager
def in_a_hurry(seconds: float) -> Iterator[None]:
    """Wait no longer than that for all that this thread asks in the block, in a web process. A
    silence of so short a time says nothing to others."""
    outer = getattr(_hurry, "ends_at", None)
    _hurry.ends_at = time.monotonic() + (_hurried(seconds) or 0.0)
    try:
        yield
    finally:
        _hurry.ends_at = outer


def _hurried(seconds: float | None) -> float | None:
    """Return how long to wait, where `seconds` (None for any time) would do otherwise."""
    ends_at = getattr(_hurry, "ends_at", None)
    if ends_at is None:
        return seconds
    left: float = max(0.0, ends_at - time.monotonic())
    return left if seconds is None else min(left, seconds)


def _require_answering() -> None:
    if not breaker.allows():
        raise ServerSilent("PostgreSQL is left alone for a while, as it didn't answer")


def _seconds_left_after(waited: float) -> float | None:
    """Return how much longer a statement may take; None for as long as it wants."""
    seconds: float = settings.DATABASE_STATEMENT_SECONDS
    return seconds + _GRACE_SECONDS - waited if seconds else None


def _watched(
    generator: Generator[Any, Any, _T], seconds: float | None, *, waited: float = 0.0
) -> Generator[Any, Any, _T]:
    """Pass on what psycopg's generator and its driver say to each other, and raise ServerSilent in
    between when it takes too long. `waited` says for how long the generator was driven before."""
    since = time.monotonic() - waited
    is_counted = False
    try:
        # One that was driven before stands at a question: so far, there is no news.
        wanted = generator.send(0) if waited else next(generator)
        while True:
            # The driver says 0 when a tenth of a second went by without any.
            news = yield wanted
            if not news:
                took = time.monotonic() - since
                if not is_counted and took >= _SLOW_SECONDS:
                    is_counted = slow_waits.enter()
                    if not is_counted:
                        _give_up(since, _TOO_MANY)
                if seconds is not None and took >= seconds:
                    _give_up(since, f"within {seconds:.0f} s")
            wanted = generator.send(news)
    except StopIteration as end:
        _heard()
        value: _T = end.value
        return value
    finally:
        if is_counted:
            slow_waits.leave()


def _heard() -> None:
    _Hearing.at = time.monotonic()
    if breaker.is_open:
        breaker.succeeded()


def _give_up(since: float, why: str) -> NoReturn:
    silent = ServerSilent(f"PostgreSQL doesn't answer, {why}")
    if _Hearing.at < since and _hurried(None) is None:
        breaker.failed(silent)
    raise silent
