"""Asking Stripe for several things beside each other, before they are used one after the other."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from payments.errors import PaymentsUnavailable
from payments.stripe_patience import start, time_left

_T = TypeVar("_T")
_R = TypeVar("_R")

# How long those that are answered wait for more, to be worked together: half of what a batch costs
# doesn't depend on how many are in it. As long as two or three of Stripe's answers take. Nobody
# waits longer for somebody who is kept waiting.
GATHER_SECONDS = 0.3


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked of Stripe: a function that is no more than the call, and the id that it is
    asked about, with that of the connected account where the object is one's."""

    ask: Callable[..., Any]
    object_id: str
    account_id: str | None = None

    def put(self) -> Any:
        """Ask it. Raises what the function does."""
        of = {} if self.account_id is None else {"account_id": self.account_id}
        return self.ask(self.object_id, **of)


_asked: ContextVar[Mapping[Question, Future[Any]] | None] = ContextVar("stripe_asked", default=None)


@dataclass(frozen=True, kw_only=True)
class Asked(Generic[_R]):
    """A question that was asked, and the rows that it was asked for. By `ends_at` all of their
    calls have to end, and one that isn't answered by then never is."""

    question: Question
    rows: Sequence[_R]
    asked_at: float
    ends_at: float
    is_answered: bool = False


class Asking(Generic[_R]):
    """Questions under way: more may be asked while some aren't answered, so that one that is kept
    waiting keeps nobody else."""

    def __init__(self) -> None:
        self._waiting: dict[Future[Any], Asked[_R]] = {}

    def count_rows(self) -> int:
        """Return how many rows wait for an answer."""
        return sum(len(asked.rows) for asked in self._waiting.values())

    def ask(self, rows: Mapping[Question, Sequence[_R]]) -> None:
        """Ask all of them at once, as many as a process may (`calls_at_once`), and don't wait. They
        have the time that is left here, and each is asked anew: an answer is never older than the
        rows it is for."""
        now = time.monotonic()
        for question, those in rows.items():
            future = start(question.put)
            self._waiting[future] = Asked(
                question=question, rows=those, asked_at=now, ends_at=now + time_left()
            )

    @contextmanager
    def answered(self) -> Iterator[list[Asked[_R]]]:
        """Give those that are answered, or have no time left. Waits `GATHER_SECONDS` for the first
        and as long again for others, to be worked together; there may be none then. In the block
        `answer` gives what was answered."""
        done = self._gather()
        # Of two answers to the same question the later serves both.
        token = _asked.set({asked.question: future for future, asked in done.items()})
        try:
            yield [replace(asked, is_answered=future.done()) for future, asked in done.items()]
        finally:
            _asked.reset(token)
            for future in done:
                future.cancel()

    def _gather(self) -> dict[Future[Any], Asked[_R]]:
        if self._waiting:
            patience = min(asked.ends_at for asked in self._waiting.values()) - time.monotonic()
            patience = min(GATHER_SECONDS, max(0.0, patience))
            if wait(self._waiting, timeout=patience, return_when=FIRST_COMPLETED).done:
                wait(self._waiting, timeout=GATHER_SECONDS)
        now = time.monotonic()
        over = [
            future
            for future, asked in self._waiting.items()
            if future.done() or asked.ends_at <= now
        ]
        return {future: self._waiting.pop(future) for future in over}

    def end(self) -> None:
        """Leave those that aren't answered; what wasn't begun isn't asked."""
        for future in self._waiting:
            future.cancel()


def answer(*, ask: Callable[..., _T], object_id: str, account_id: str | None = None) -> _T:
    """Return what Stripe says: as it was asked ahead, else now. Raises what the question does, and
    PaymentsUnavailable when the time for an answer is up (`payments.stripe_patience`)."""
    question = Question(ask=ask, object_id=object_id, account_id=account_id)
    future = (_asked.get() or {}).get(question)
    if future is not None and not wait([future], timeout=time_left()).done:
        raise PaymentsUnavailable("The payment provider doesn't answer")
    result: _T = question.put() if future is None else future.result()
    return result
