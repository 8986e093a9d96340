"""Identifiers, moments and dice that follow from the seed alone."""

import datetime as dt
import hashlib
import random
from collections.abc import Iterator

_VERSION = 7 << 76
_VARIANT = 2 << 62
_TAIL = (1 << 62) - 1
# Odd, so that multiples run through all values before one comes again (Knuth's golden ratio).
_GOLDEN = 0x1E3779B97F4A7C15


class Ids:
    """UUIDv7s (RFC 9562) of one kind of row, as 32 hexadecimal digits: the nth is always the same.

    They rise with n, a millisecond each from `start` (Unix seconds), so that COPY appends to the
    primary key's index. Their time is therefore that of the row's number, not of its `created_at`.
    """

    def __init__(self, *, seed: int, kind: str, start: int) -> None:
        digest = hashlib.blake2b(f"{seed}/{kind}".encode(), digest_size=10).digest()
        key = int.from_bytes(digest)
        self._head = _VERSION | (key >> 68 << 64) | _VARIANT
        self._key = key & _TAIL
        self._start = start * 1000

    def __getitem__(self, number: int) -> str:
        tail = (self._key + number * _GOLDEN) & _TAIL
        return f"{(self._start + number) << 80 | self._head | tail:032x}"

    def __iter__(self) -> Iterator[str]:
        number = 0
        while True:
            yield self[number]
            number += 1


def dice(seed: int, kind: str, number: int = 0) -> random.Random:
    """Return a generator of its own for this row: what others draw doesn't change what it draws."""
    digest = hashlib.blake2b(f"{seed}/{kind}/{number}".encode(), digest_size=8).digest()
    return random.Random(int.from_bytes(digest))  # noqa: S311 (data to look at, no secret)


def moment(seconds: float) -> str:
    """Return Unix seconds as PostgreSQL reads them."""
    return dt.datetime.fromtimestamp(int(seconds), dt.UTC).isoformat()
