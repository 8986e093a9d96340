"""Exact counts, remembered for five seconds."""

import time
from collections.abc import Callable

SECONDS = 5.0
_MOST = 10_000

_counts: dict[tuple[object, ...], tuple[float, int]] = {}


def remember_count(key: tuple[object, ...], count: Callable[[], int]) -> int:
    """Return what was counted under this key in the last five seconds, else count."""
    now = time.monotonic()
    known = _counts.get(key)
    if known and known[0] > now:
        return known[1]
    counted = count()
    if len(_counts) >= _MOST:
        _counts.clear()
    _counts[key] = (now + SECONDS, counted)
    return counted
