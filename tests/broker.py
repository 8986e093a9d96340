"""Letting nudges go elsewhere than to the suite's own broker."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from unittest import mock

from kombu.pools import ProducerPool

from core import nudge

_make_producers = nudge._producers.__wrapped__


@contextmanager
def another_broker() -> Iterator[Callable[[str], None]]:
    """Yield what points nudges at the broker of a URL, until the block ends. The connections that
    are made meanwhile are closed with it, and those of before are kept."""
    made: list[ProducerPool] = []

    @lru_cache(maxsize=1)
    def producers(url: str, process: int) -> ProducerPool:
        made.append(_make_producers(url, process))
        return made[-1]

    with (
        mock.patch.object(nudge, "_producers", producers),
        mock.patch.object(nudge, "_broker_url", nudge._broker_url),
    ):
        try:
            yield lambda url: setattr(nudge, "_broker_url", lambda: url)
        finally:
            for pool in made:
                pool.connections.force_close_all()
                pool.force_close_all()
