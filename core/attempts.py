"""Counting failures, or whatever may be had only so often, atomically in Redis.

A `Limit`'s window opens with the first count and closes by itself; a `Delay` makes more and more
waiting between tries. When Redis is down nothing is counted and
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


@dataclass(frozen=True, kw_only=True)
class Delay:
    """Waiting that grows: after `free` counts under `key`, each one is followed by `first` seconds
    in which nothing more is tried, doubling up to `longest`. Forgotten `keep` seconds after the
    first count. It never becomes a lock: after `longest` there is always another try."""

    key: str
    free: int
    first: int
    longest: int
    keep: int

    def check(self) -> None:
        """Raise TooMany while it is to be waited."""
        if cache.get(self._until):
            self._refuse()

    def count(self) -> None:
        """Count once more; raises TooMany when others have counted meanwhile and the waiting has
        begun."""
        cache.add(self.key, 0, timeout=self.keep)
        try:
            counted = int(cache.incr(self.key) or 0)
        except ValueError:
            # Forgotten between the two calls, or Redis didn't answer.
            return
        if counted < self.free:
            return
        seconds = min(self.first * 2 ** min(counted - self.free, 30), self.longest)
        is_first = cache.add(self._until, 1, timeout=seconds)
        if not is_first and cache.get(self._until):
            self._refuse()

    @property
    def _until(self) -> str:
        return f"{self.key}:until"

    def _refuse(self) -> None:
        left: int | None = cache.ttl(self._until)  # type: ignore[attr-defined]
        raise TooMany(retry_after=max(1, left or self.first))


def growing_delay(*, scope: str, subject: str) -> Delay | None:
    """Return the delay of this subject, made of `THROTTLE_RATES[scope]`: twice its counts are
    free; the first wait is a 120th of its period, the longest the period; None when the scope is
    switched off. The subject is only stored as a hash."""
    rate = parse_rate(settings.THROTTLE_RATES.get(scope, "none"))
    if rate is None:
        return None
    times, period = rate
    digest = hashlib.sha256(subject.encode()).hexdigest()
    return Delay(
        key=f"attempts:{scope}-delay:{digest}",
        free=2 * times,
        first=max(1, period // 120),
        longest=period,
        keep=24 * period,
    )


def limit(*, scope: str, subject: str, factor: int = 1) -> Limit | None:
    """Return the limit of `THROTTLE_RATES[scope]`, times `factor`, for this subject; None when the
    scope is switched off. The subject is only stored as a hash."""
    rate = parse_rate(settings.THROTTLE_RATES.get(scope, "none"))
    if rate is None:
        return None
    digest = hashlib.sha256(subject.encode()).hexdigest()
    return Limit(key=f"attempts:{scope}:{digest}", times=rate[0] * factor, period=rate[1])
