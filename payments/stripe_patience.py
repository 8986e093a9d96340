"""How long we wait for Stripe, and for how many answers at once.

A request has one deadline for all its calls together. It holds whatever Stripe does (hang, send a
byte a second, leave its name unresolved), as each call is made in a thread of its own, which the
request stops waiting for. A web process has `STRIPE_CONCURRENCY` of these threads, fewer than it
serves requests with: a Stripe that hangs holds up payments and nobody else. A worker has
`STRIPE_WORKER_CONCURRENCY`. Those who wait for long are counted with all others who do
(`core.waits`), so that it doesn't either when something else hangs with it. There is no circuit
breaker on purpose: it would refuse buyers whom a Stripe that is only partly ill would have served.
"""

import contextvars
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import TypeVar

from django.conf import settings

from core.process import role
from core.waits import slow_waits
from payments.errors import PaymentsUnavailable

_T = TypeVar("_T")

# A call that took longer says that Stripe is ill: who then finds no thread free doesn't wait, and
# who waits is one of those of whom there may be only so many.
_SLOW_SECONDS = 1.5
# How long one waits for a free thread otherwise.
_QUEUE_SECONDS = 0.25

_ends_at: ContextVar[float | None] = ContextVar("stripe_ends_at", default=None)
# Whether this is one of the threads that calls to Stripe are made in.
_is_callers: ContextVar[bool] = ContextVar("stripe_is_callers", default=False)


@contextmanager
def deadline(*, seconds: float) -> Iterator[None]:
    """Give all calls to Stripe in the block together so long; in another block, at most what that
    one has left. When the time is up, calls raise PaymentsUnavailable."""
    ends_at, outer = time.monotonic() + seconds, _ends_at.get()
    token = _ends_at.set(ends_at if outer is None else min(ends_at, outer))
    try:
        yield
    finally:
        _ends_at.reset(token)


def time_left() -> float:
    """Return how many seconds the next call may take. Without a deadline: `STRIPE_TIMEOUT_SECONDS`,
    each call for itself."""
    ends_at = _ends_at.get()
    if ends_at is None:
        return settings.STRIPE_TIMEOUT_SECONDS
    return max(0.0, ends_at - time.monotonic())


def wait_for(call: Callable[[], _T]) -> _T:
    """Make the call and return or raise what it does. Raises PaymentsUnavailable when the time is
    up, when as many calls as this process may have are under way, or when the call takes long and
    as many threads wait for something as may.

    The call must not use the database: its thread has another connection than the caller. One that
    is given up goes on until its own time-outs end it, and keeps its thread until then.
    """
    if time_left() <= 0:
        raise PaymentsUnavailable
    if _is_callers.get():
        return call()
    return _bulkhead(calls_at_once(), os.getpid()).run(call)


def start(work: Callable[[], _T]) -> Future[_T]:
    """Begin work that makes calls to Stripe, in one of this process' threads for such calls, and
    return at once; when all are taken it has to wait for one. It has the deadline of whoever
    starts it, who doesn't wait for it beyond that, as with `wait_for`, and it must not use the
    database."""
    return _bulkhead(calls_at_once(), os.getpid()).start(work)


def calls_at_once() -> int:
    """Return how many calls to Stripe this process may have under way: a worker's threads serve
    nobody else."""
    in_worker = role() == "worker"
    return settings.STRIPE_WORKER_CONCURRENCY if in_worker else settings.STRIPE_CONCURRENCY


class _Bulkhead:
    def __init__(self, size: int) -> None:
        self._threads = ThreadPoolExecutor(size, thread_name_prefix="stripe")
        self._free = threading.Semaphore(size)
        self._is_slow = False

    def run(self, call: Callable[[], _T]) -> _T:
        patience = 0.0 if self._is_slow else _QUEUE_SECONDS
        if not self._free.acquire(timeout=min(patience, time_left())):
            raise PaymentsUnavailable
        begun = time.monotonic()
        future = self._threads.submit(contextvars.copy_context().run, call)
        future.add_done_callback(lambda _: self._free.release())
        is_done = _is_done_in_time(future)
        self._is_slow = time.monotonic() - begun > _SLOW_SECONDS
        if not is_done:
            raise PaymentsUnavailable("The payment provider doesn't answer")
        return future.result()

    def start(self, work: Callable[[], _T]) -> Future[_T]:
        context = contextvars.copy_context()
        # A thread more for each of its calls cost as much as the call itself.
        context.run(_is_callers.set, True)
        return self._threads.submit(context.run, work)


def _is_done_in_time(future: Future[_T]) -> bool:
    if wait([future], timeout=min(_SLOW_SECONDS, time_left())).done:
        return True
    with slow_waits.entered() as is_in:
        return is_in and bool(wait([future], timeout=time_left()).done)


@lru_cache(maxsize=1)
def _bulkhead(size: int, process: int) -> _Bulkhead:
    """The threads of this process: a fork leaves its parent's behind."""
    return _Bulkhead(size)
