"""Asking Stripe for several things beside each other, before they are used one after the other."""

from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from payments.errors import PaymentsUnavailable
from payments.stripe_patience import start, time_left

_T = TypeVar("_T")

# How long those that are answered wait for more, to be worked together: half of what a batch costs
# doesn't depend on how many are in it. As long as two or three of Stripe's answers take.
GATHER_SECONDS = 0.3


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked of Stripe: the gateway's function, and the id that it is asked about."""

    ask: Callable[[str], Any]
    object_id: str


_asked: ContextVar[Mapping[Question, Future[Any]] | None] = ContextVar("stripe_asked", default=None)


@contextmanager
def asked_together(questions: Collection[Question]) -> Iterator[Iterator[list[Question]]]:
    """Ask all of them at once, as many as a process may (`calls_at_once`), each once. Yields
    them as they are answered, those whose answers come within `GATHER_SECONDS` of each other
    together, so that a slow one holds up none of the others, and at the deadline those that aren't;
    in the block `answer` gives what was answered.

    Who uses an answer for an event must have the event before: an answer is never older than the
    block.
    """
    futures = {
        question: start(partial(question.ask, question.object_id)) for question in set(questions)
    }
    token = _asked.set(futures)
    try:
        yield _as_answered(futures)
    finally:
        _asked.reset(token)
        for future in futures.values():
            future.cancel()


def _as_answered(futures: Mapping[Question, Future[Any]]) -> Iterator[list[Question]]:
    waiting = {future: question for question, future in futures.items()}
    while waiting and wait(waiting, timeout=time_left(), return_when=FIRST_COMPLETED).done:
        done = wait(waiting, timeout=min(GATHER_SECONDS, time_left())).done
        yield [waiting.pop(future) for future in done]
    if waiting:
        yield list(waiting.values())


def answer(*, ask: Callable[[str], _T], object_id: str) -> _T:
    """Return what Stripe says: as it was asked ahead, else now. Raises what the question does, and
    PaymentsUnavailable when the time for an answer is up (`payments.stripe_patience`)."""
    asked = _asked.get() or {}
    future = asked.get(Question(ask=ask, object_id=object_id))
    if future is None:
        return ask(object_id)
    if not wait([future], timeout=time_left()).done:
        raise PaymentsUnavailable("The payment provider doesn't answer")
    result: _T = future.result()
    return result
