"""Rate limits: the plan's rates, each its own setting (contract "Accounts")."""

import logging
import time
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.cache import cache
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from core.network import client_network
from core.rates import parse_rate

logger = logging.getLogger(__name__)

# Set in a request's environment when it was counted, and allowed, before Django saw it. (Clients
# can't: what they send is there as `HTTP_…`.)
COUNTED = "learnflow.counted"
# Under which key it was counted here.
_COUNTED_AS = "learnflow.counted_as"


class RateThrottle(BaseThrottle):
    """A fixed window per scope and person (or network), counted atomically in Redis.

    A view's `throttle_scope` names its scope; without one, the scope is `user` or `anon`. What a
    view's method `throttle_bucket` tells apart has the rate of the scope each for itself. A view
    with `throttle_scope = None` is never throttled. When Redis is down nobody is throttled: being
    reachable outweighs counting.
    """

    _retry_after: float | None = None

    def allow_request(self, request: Request, view: Any) -> bool:
        scope = getattr(view, "throttle_scope", "")
        if scope is None:
            return True
        if request.META.get(COUNTED):
            return True
        scope = scope or ("user" if request.user.is_authenticated else "anon")
        rate = parse_rate(settings.THROTTLE_RATES.get(scope, "none"))
        if rate is None:
            return True
        limit, period = rate
        now = time.time()
        bucket = f"{scope}:{view.throttle_bucket()}" if hasattr(view, "throttle_bucket") else scope
        key = f"throttle:{bucket}:{_identity(request)}:{int(now // period)}"
        count = _count(key, period)
        request.META[_COUNTED_AS] = key
        self._retry_after = period - now % period
        return count <= limit

    def wait(self) -> float | None:
        return self._retry_after


def uncount(request: Request) -> None:
    """Take this request's count back: nothing was done for it, through no fault of the client's."""
    key = request.META.pop(_COUNTED_AS, None)
    if key is not None:
        # Expired since, or Redis doesn't answer: then there is nothing to take back.
        with suppress(ValueError):
            cache.decr(key)


def is_within_rate(scope: str, identity: str) -> bool:
    """Count one request of this person or address, and return whether the scope's rate allows it.
    For answers that Django doesn't see; the limits are `RateThrottle`'s."""
    rate = parse_rate(settings.THROTTLE_RATES.get(scope, "none"))
    if rate is None:
        return True
    limit, period = rate
    return _count(f"throttle:{scope}:{identity}:{int(time.time() // period)}", period) <= limit


def _identity(request: Request) -> str:
    if request.user.is_authenticated:
        return f"u{request.user.pk}"
    return f"a{client_network(request.META)}"


def _count(key: str, period: int) -> int:
    """Return how often the key was counted in its window, this time included."""
    cache.add(key, 0, timeout=period + 1)
    try:
        return int(cache.incr(key) or 0)
    except ValueError:
        # Expired between the two calls, or Redis didn't answer.
        return 1
