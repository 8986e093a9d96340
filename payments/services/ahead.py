"""Asking Stripe for several things beside each other, before they are used one after the other."""

import contextvars
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

from django.conf import settings

_T = TypeVar("_T")


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked of Stripe: the gateway's function, and the id that it is asked about."""

    ask: Callable[[str], Any]
    object_id: str


_asked: ContextVar[Mapping[Question, Future[Any]] | None] = ContextVar("stripe_asked", default=None)


@contextmanager
def asked_together(questions: Collection[Question]) -> Iterator[Iterator[Question]]:
    """Ask all of them at once, as many as a process may (`STRIPE_CONCURRENCY`), each once. Yields
    them in the order of their answers, so that a slow one holds up none of the others; in the block
    `answer` gives what was answered.

    Who uses an answer for an event must have the event before: an answer is never older than the
    block.
    """
    with ThreadPoolExecutor(settings.STRIPE_CONCURRENCY, thread_name_prefix="ahead") as threads:
        futures = {
            question: threads.submit(
                contextvars.copy_context().run, question.ask, question.object_id
            )
            for question in set(questions)
        }
        token = _asked.set(futures)
        try:
            by_future = {future: question for question, future in futures.items()}
            yield (by_future[future] for future in as_completed(by_future))
        finally:
            _asked.reset(token)
            threads.shutdown(wait=True, cancel_futures=True)


def answer(ask: Callable[[str], _T], object_id: str) -> _T:
    """Return what Stripe says: as it was asked ahead, else now. Raises what the question does."""
    asked = _asked.get() or {}
    future = asked.get(Question(ask=ask, object_id=object_id))
    return ask(object_id) if future is None else future.result()
