"""What a process remembers for seconds."""

import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

V = TypeVar("V")


class ShortMemory(Generic[V]):
    """Answers kept for a few seconds, `size` of them at most. Safe among threads: two that miss at
    once both work, and either answer is right."""

    def __init__(self, *, size: int) -> None:
        self._size = size
        self._kept: dict[Hashable, tuple[float, V]] = {}

    def recall(self, key: Hashable, *, seconds: float, find: Callable[[], V]) -> V:
        """Return what is kept for the key, or what `find` returns, which is then kept. With zero
        seconds nothing is kept."""
        now = time.monotonic()
        known = self._kept.get(key)
        if known is not None and known[0] > now:
            return known[1]
        value = find()
        if seconds > 0:
            if len(self._kept) >= self._size:
                self._kept.clear()
            self._kept[key] = (now + seconds, value)
        return value

    def forget(self) -> None:
        """Forget everything."""
        self._kept.clear()
