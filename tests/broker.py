"""Letting nudges go elsewhere than to the suite's own broker."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from unittest import mock
from urllib.parse import urlsplit, urlunsplit

import redis
from django.conf import settings
from kombu.pools import ProducerPool

from core import nudge
from core.redis import breaker

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


@contextmanager
def broker_of_its_own(database: int) -> "Iterator[redis.Redis]":
    """Yield an empty database of the suite's Redis, to which nudges go until the block ends."""
    url = urlunsplit(urlsplit(settings.REDIS_URL)._replace(path=f"/{database}"))
    breaker.reset()
    with redis.Redis.from_url(url) as client, another_broker() as nudge_to:
        client.flushdb()
        nudge_to(url)
        yield client
        client.flushdb()
