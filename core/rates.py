"""Rates as settings write them."""

_PERIODS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def parse_rate(rate: str) -> tuple[int, int] | None:
    """Return (times, seconds) of "600/min"; None of "none". Raises ValueError otherwise."""
    if rate == "none":
        return None
    number, _, period = rate.partition("/")
    if period[:1].lower() not in _PERIODS:
        raise ValueError(f"'{rate}' is no rate such as 600/min")
    return int(number), _PERIODS[period[:1].lower()]
