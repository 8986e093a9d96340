"""Redis as we use it: an accelerator that may be away, and must not cost a request its time then.

Cache, throttles and Celery's broker are the same Redis, so they share what one of them has learned:
after a time-out or a failed connection nobody in this process asks Redis for
`REDIS_PAUSE_SECONDS`, whoever would have asked.
"""

import logging
from typing import Any

import redis
from django.conf import settings
from django_redis.cache import RedisCache

from core.breaker import Breaker

logger = logging.getLogger(__name__)

breaker = Breaker("Redis", pause=lambda: settings.REDIS_PAUSE_SECONDS)


class RedisLeftAlone(redis.ConnectionError):
    """Redis failed a moment ago and isn't asked now."""


class SharedRedisCache(RedisCache):
    """The cache. `clear` takes away its own keys, not all of a Redis where the broker's messages
    lie too, and, while tests run, the keys of other test processes."""

    def clear(self) -> None:
        self.delete_pattern("*")


class GuardedRedis(redis.Redis):
    """The client behind the cache (`REDIS_CLIENT_CLASS`). Raises what redis.Redis raises, and
    RedisLeftAlone, which every caller who can do without Redis catches as a failed connection."""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        if not breaker.allows():
            raise RedisLeftAlone("Redis is left alone for a while")
        try:
            answer = super().execute_command(*args, **options)
        except (redis.ConnectionError, redis.TimeoutError) as exc:
            breaker.failed(exc)
            raise
        except redis.RedisError as exc:
            # It answered: read-only, out of memory, … Callers that go on without it don't say so.
            breaker.succeeded()
            logger.warning("Redis refused %s: %s", args[0], exc)
            raise
        breaker.succeeded()
        return answer
