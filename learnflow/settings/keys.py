"""Whether a key could be guessed."""

import math
from collections import Counter
from itertools import pairwise

from learnflow.settings.published_keys import PLACEHOLDERS, PUBLISHED_KEYS

_LENGTH = 32
# What is copied from a published key and changed a little still has so much of it in one piece.
_COPIED = 12
# By how often each character is there. 32 random hexadecimal digits have some 115, and fewer than
# this not once in a million times.
_BITS = 96.0


def find_weakness(key: str) -> str | None:
    """Return why the key protects nothing, or None. Nothing can show that a key is random; what
    people type instead of one shows."""
    if not key:
        return None
    if _is_published(key.lower()):
        return "is published, and protects nothing"
    if len(key) < _LENGTH:
        return f"must have {_LENGTH} characters at least"
    if _count_bits(key) < _BITS or _has_runs(key) or (key * 2).find(key, 1) < len(key):
        return "has too little chance in it to be random"
    return None


def _is_published(key: str) -> bool:
    pieces = {key[start : start + _COPIED] for start in range(len(key) - _COPIED + 1)}
    return any(word in key for word in PLACEHOLDERS) or any(
        piece in published.lower() for published in PUBLISHED_KEYS for piece in pieces
    )


def _count_bits(key: str) -> float:
    return sum(-many * math.log2(many / len(key)) for many in Counter(key).values())


def _has_runs(key: str) -> bool:
    """Whether more than half of it is the next character, the one before, or the same again."""
    steps = [abs(ord(one) - ord(next_)) <= 1 for one, next_ in pairwise(key)]
    return sum(steps) > len(steps) / 2
