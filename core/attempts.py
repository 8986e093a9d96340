"""Counting failures, or whatever may be had only so often, atomically in Redis.

A window opens with the first count and closes by itself. When Redis is down nothing is counted and
everything is allowed: being reachable outweighs counting.
"""

import hashlib
from dataclasses import dataclass

from django.conf import settings
from django.core.cache import cache

from core.errors import TooMany
from core.rates import parse_rate


@dataclass(frozen=True, kw_only=True)
class Limit:
    """So many counts under `key` within `period` seconds."""

    key: str
    times: int
    period: int

    def check(self) -> None:
        """Raise TooMany when the limit is used up."""
        if int(cache.get(self.key) or 0) >= self.times:
            self._refuse()

    def count(self) -> None:
        """Count once more; raises TooMany when that is beyond the limit."""
        cache.add(self.key, 0, timeout=self.period)
        try:
            counted = int(cache.incr(self.key) or 0)
        except ValueError:
            # The window closed between the two calls.
            return
        if counted > self.times:
            self._refuse()

    def reset(self) -> None:
        """Forget what was counted."""
        cache.delete(self.key)

    def _refuse(self) -> None:
        left: int | None = cache.ttl(self.key)  # type: ignore[attr-defined]
        raise TooMany(retry_after=max(1, left or self.period))


def limit(*, scope: str, subject: str, factor: int = 1) -> Limit | None:
    """Return the limit of `THROTTLE_RATES[scope]`, times `factor`, for this subject; None when the
    scope is switched off. The subject is only stored as a hash."""
    rate = parse_rate(settings.THROTTLE_RATES.get(scope, "none"))
    if rate is None:
        return None
    digest = hashlib.sha256(subject.encode()).hexdigest()
    return Limit(key=f"attempts:{scope}:{digest}", times=rate[0] * factor, period=rate[1])
