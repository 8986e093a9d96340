"""What this process remembers of the catalogue for a second or a few (docs/catalogue.md).

Every process remembers for itself, as a memory that has to be asked over a socket gains nothing
over a good statement. What all of them share is the generation: writers begin a new one
(`courses.services.touch_catalogue`), and what was remembered under an older one counts no more.
"""

import threading
import time
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from weakref import WeakSet

from django.core.cache import cache

GENERATION_KEY = "catalogue:generation"
# How often a process asks for the generation, and how long it may lag behind a write.
POLL_SECONDS = 0.5
# How long the previous value is given out while one thread makes the next one.
STALE_SECONDS = 1.0

# Of what doesn't depend on anything written.
ALWAYS = "always"

Value = TypeVar("Value")


@dataclass(slots=True)
class _Entry(Generic[Value]):
    value: Value
    generation: str | None
    fresh_until: float
    is_renewed: bool = False


_memories: "WeakSet[Memory[Any]]" = WeakSet()


def forget_all() -> None:
    """Forget whatever this process remembers."""
    generation.forget()
    for memory in _memories:
        memory.clear()


class Memory(Generic[Value]):
    """A bounded memory for values that don't depend on who asks. Safe to share among threads."""

    def __init__(self, *, size: int) -> None:
        _memories.add(self)
        self._size = size
        self._entries: dict[Hashable, _Entry[Value]] = {}
        self._lock = threading.Lock()

    def find(self, key: Hashable) -> Value | None:
        """Return what is remembered, or None: then make it and `keep` it.

        When it has just become too old, only the first to ask gets None; the others get the old
        value for as long as the new one takes, at most `STALE_SECONDS`.
        """
        entry = self._entries.get(key)
        if entry is None:
            return None
        now = time.monotonic()
        if now < entry.fresh_until and entry.generation in (ALWAYS, generation()):
            return entry.value
        if entry.is_renewed and now < entry.fresh_until + STALE_SECONDS:
            return entry.value
        entry.is_renewed = True
        # A write makes an entry old before its time; its grace runs from here.
        entry.fresh_until = min(entry.fresh_until, now)
        return None

    def keep(
        self, key: Hashable, value: Value, *, seconds: float, since: str | None = ALWAYS
    ) -> None:
        """Remember the value so long; 0 for not at all. `since` is the generation before it was
        made, as what was written meanwhile may not be in it; none for what no write changes."""
        if seconds <= 0:
            return
        entry = _Entry(value=value, generation=since, fresh_until=time.monotonic() + seconds)
        with self._lock:
            # Put last: what hasn't been renewed for longest is forgotten first.
            self._entries.pop(key, None)
            self._entries[key] = entry
            while len(self._entries) > self._size:
                del self._entries[next(iter(self._entries))]

    def drop(self, key: Hashable) -> None:
        """Forget this one: there is no next value, and the previous one must not be given out."""
        with self._lock:
            self._entries.pop(key, None)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()


class _Generation:
    """The generation as this process last heard of it."""

    def __init__(self) -> None:
        self._value: str | None = None
        self._heard_at = float("-inf")
        self._asking = threading.Lock()

    def __call__(self) -> str | None:
        """Return the generation; None when there was none yet, or Redis doesn't answer: then what
        is remembered just grows old."""
        is_due = time.monotonic() - self._heard_at >= POLL_SECONDS
        if is_due and self._asking.acquire(blocking=False):
            # The others go on meanwhile: a Redis that hangs holds up one request in a while.
            try:
                self._value = cache.get(GENERATION_KEY)
                self._heard_at = time.monotonic()
            finally:
                self._asking.release()
        return self._value

    def forget(self) -> None:
        """Ask again the next time."""
        self._heard_at = float("-inf")


generation = _Generation()
