"""Real threads with connections of their own, let loose at the same moment or while somebody holds
a lock. Where they are by now is looked up, never guessed: a thread that a pause was too short for
proves nothing."""

import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
from django.db import connection, connections

# How long a thread may take on its way, on the busiest machine; what takes longer fails.
PATIENCE = 60.0
_LOOKS_EVERY = 0.02

_mine = threading.local()


class _Worker:
    """A thread as the others see it."""

    def __init__(self) -> None:
        self.connection: Any = None
        # It is at the meeting, was there, or has ended.
        self.is_there = False

    def work(self, call: Callable[[], Any]) -> Any:
        """Make the call in this thread; return what it returned."""
        self.connection = connections["default"]
        try:
            return call()
        finally:
            connection.close()
            self.is_there = True

    @property
    def backend(self) -> int | None:
        """The server's process that works for it; None while it has no connection."""
        driver = self.connection and self.connection.connection
        try:
            return driver.info.backend_pid if driver else None
        except psycopg.Error:  # It was just closed.
            return None


class _Run:
    """Threads that were let loose together."""

    def __init__(self, count: int) -> None:
        self.start = threading.Barrier(count)
        self.workers = [_Worker() for _ in range(count)]
        self.failure: AssertionError | None = None


class Beside:
    """A call made in a thread beside the caller's, which goes on once the thread can go no further
    by itself: it has ended or waits for a lock, the caller's as a rule."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self._worker = _Worker()
        pool = ThreadPoolExecutor(max_workers=1)
        self._answer = pool.submit(self._worker.work, call)
        pool.shutdown(wait=False)
        _let_come([self._worker])
        # Whether it waited for a lock, rather than end at once.
        self.had_to_wait = not self._worker.is_there

    def result(self) -> Any:
        """Return what the call returned, or raise what it raised."""
        return self._answer.result()


def run_in_parallel(count: int, call: Callable[[int], Any]) -> list[Any]:
    """Call `call(0)` … `call(count - 1)` at once; return what each returned or raised."""
    run = _Run(count)

    def work(number: int) -> Any:
        _mine.run, _mine.worker = run, run.workers[number]
        run.start.wait(timeout=100)
        return call(number)

    def answer(number: int) -> Any:
        try:
            return run.workers[number].work(lambda: work(number))
        except Exception as exc:
            return exc

    with ThreadPoolExecutor(max_workers=count) as pool:
        answers = list(pool.map(answer, range(count)))
    # What the threads made of it is not to be mistaken for an answer.
    if run.failure is not None:
        raise run.failure
    return answers


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Make different calls at once; return what each returned or raised, in their order."""
    return run_in_parallel(len(calls), lambda number: calls[number]())


def meet() -> None:
    """To be called by threads that run in parallel, at the place where they are to meet: wait until
    each of the others has come there too, waits for a lock, or has ended. Whoever comes again only
    waits for those that never came."""
    run: _Run = _mine.run
    _mine.worker.is_there = True
    try:
        _let_come([worker for worker in run.workers if worker is not _mine.worker])
    except AssertionError as exc:
        run.failure = exc
        raise


def _let_come(workers: Collection[_Worker]) -> None:
    """Wait until all of them are there, or wait for a lock. Raises AssertionError when one of them
    does neither for long."""
    give_up_at = time.monotonic() + PATIENCE
    while not _have_come(workers):
        assert time.monotonic() < give_up_at, "a thread neither waits for a lock nor ends"
        time.sleep(_LOOKS_EVERY)


def _have_come(workers: Collection[_Worker]) -> bool:
    # In this order: whoever was held up by one that has ended is seen to go on.
    on_their_way = [worker for worker in workers if not worker.is_there]
    return not on_their_way or {worker.backend for worker in on_their_way} <= _waiting()


def _waiting() -> set[int | None]:
    """The server's processes that wait for a lock."""
    # Unlike pg_stat_activity, which a transaction sees as it was when it first looked.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pid FROM pg_locks WHERE NOT granted")
        return {pid for (pid,) in cursor.fetchall()}
