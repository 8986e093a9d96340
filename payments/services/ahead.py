"""Asking Stripe for several things beside each other, before they are used one after the other."""

import contextvars
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

from payments.stripe_patience import calls_at_once

_T = TypeVar("_T")

# How long those that are answered wait for more, to be worked together: half of what a batch costs
# doesn't depend on how many are in it. As long as one or two of Stripe's answers take.
GATHER_SECONDS = 0.15


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
    together, so that a slow one holds up none of the others; in the block `answer` gives what was
    answered.

    Who uses an answer for an event must have the event before: an answer is never older than the
    block.
    """
    with ThreadPoolExecutor(calls_at_once(), thread_name_prefix="ahead") as threads:
        futures = {
            question: threads.submit(
                contextvars.copy_context().run, question.ask, question.object_id
            )
            for question in set(questions)
        }
        token = _asked.set(futures)
        try:
            yield _as_answered(futures)
        finally:
            _asked.reset(token)
            threads.shutdown(wait=True, cancel_futures=True)


def _as_answered(futures: Mapping[Question, Future[Any]]) -> Iterator[list[Question]]:
    waiting = {future: question for question, future in futures.items()}
    while waiting:
        wait(waiting, return_when=FIRST_COMPLETED)
        done = wait(waiting, timeout=GATHER_SECONDS).done
        yield [waiting.pop(future) for future in done]


def answer(*, ask: Callable[[str], _T], object_id: str) -> _T:
    """Return what Stripe says: as it was asked ahead, else now. Raises what the question does."""
    asked = _asked.get() or {}
    future = asked.get(Question(ask=ask, object_id=object_id))
    return ask(object_id) if future is None else future.result()
