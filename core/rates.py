"""Rates as settings write them."""

import re
from functools import lru_cache

_PERIODS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_RATE = re.compile(
    r"([1-9][0-9]{0,8})/(s|sec|second|m|min|minute|h|hour|d|day)", flags=re.ASCII | re.IGNORECASE
)


@lru_cache(maxsize=64)
def parse_rate(rate: str) -> tuple[int, int] | None:
    """Return (times, seconds) of "600/min"; None of "none". Raises ValueError otherwise."""
    if rate == "none":
        return None
    found = _RATE.fullmatch(rate)
    if found is None:
        raise ValueError(f"'{rate}' is no rate such as 600/min")
    return int(found[1]), _PERIODS[found[2][0].lower()]
