"""What this process remembers of the catalogue for a second or a few (docs/catalogue.md).

Every process remembers for itself, as a memory that has to be asked over a socket gains nothing
over a good statement. What all of them share is the generation: writers begin a new one
(`courses.services.touch_catalogue`), and what was remembered under an older one counts no more.

All memories of a process together take at most `CATALOGUE_MEMORY_BYTES`: each has a share of it,
so that nobody who fills one of them empties another.
"""

import threading
import time
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from weakref import WeakSet

from django.conf import settings
from django.core.cache import cache

from core.sizes import measure

GENERATION_KEY = "catalogue:generation"
# How often a process asks for the generation, and how long it may lag behind a write.
POLL_SECONDS = 0.5
# How long the previous value is given out while one thread makes the next one.
STALE_SECONDS = 1.0

# How often what has grown too old to be given out is let go, whoever asks for whatever.
SWEEP_SECONDS = 1.0
# The entry itself and its place in the dictionary.
_ENTRY_BYTES = 300

# What each memory of a process may take of `CATALOGUE_MEMORY_BYTES`.
SHARES = {
    "pages": 0.4,
    "spares": 0.15,
    "headers": 0.04,
    "webhook headers": 0.01,
    "counts": 0.05,
    "facets": 0.1,
    "found": 0.1,
    "resolved": 0.05,
    "readings": 0.1,
}

# Of what doesn't depend on anything written.
ALWAYS = "always"

Value = TypeVar("Value")


@dataclass(slots=True)
class _Entry(Generic[Value]):
    value: Value
    generation: str | None
    fresh_until: float
    size: int
    is_renewed: bool = False


_memories: "WeakSet[Memory[Any]]" = WeakSet()
_next_sweep = float("-inf")


def forget_all() -> None:
    """Forget whatever this process remembers."""
    generation.forget()
    for memory in _memories:
        memory.clear()


def _sweep(now: float) -> None:
    """Let go of what has grown too old, in every memory of this process."""
    global _next_sweep  # noqa: PLW0603 - one broom per process is the point
    _next_sweep = now + SWEEP_SECONDS
    for memory in list(_memories):
        memory.drop_old(now)


class Memory(Generic[Value]):
    """A memory for values that don't depend on who asks. Safe to share among threads.

    It takes at most its share of `CATALOGUE_MEMORY_BYTES` (see `SHARES`), keys included, and no
    single value beyond `CATALOGUE_ENTRY_BYTES`. What is too old goes within a second or two of any
    use of any memory; what hasn't been renewed for longest makes room for what is new.
    """

    def __init__(self, name: str) -> None:
        _memories.add(self)
        self.share = SHARES[name]
        self.size = 0
        self._entries: dict[Hashable, _Entry[Value]] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, key: Hashable) -> Value | None:
        """Return what is remembered, or None: then make it and `keep` it.

        When it has just become too old, only the first to ask gets None; the others get the old
        value for as long as the new one takes, at most `STALE_SECONDS`.
        """
        now = time.monotonic()
        if now >= _next_sweep:
            _sweep(now)
        entry = self._entries.get(key)
        if entry is None:
            return None
        # For what no write changes Redis isn't asked.
        is_current = entry.generation == ALWAYS or entry.generation == generation()
        if now < entry.fresh_until and is_current:
            return entry.value
        if entry.is_renewed and now < entry.fresh_until + STALE_SECONDS:
            return entry.value
        entry.is_renewed = True
        # A write makes an entry old before its time; its grace runs from here.
        entry.fresh_until = min(entry.fresh_until, now)
        return None

    def keep(
        self,
        key: Hashable,
        value: Value,
        *,
        seconds: float,
        since: str | None = ALWAYS,
        size: int | None = None,
    ) -> None:
        """Remember the value so long, unless it is too large; 0 for not at all. `since` is the
        generation before it was made, as what was written meanwhile may not be in it; none for what
        no write changes. `size` is what key and value take, in bytes, for one who knows already."""
        if seconds <= 0:
            return
        size = _ENTRY_BYTES + (measure(key) + measure(value) if size is None else size)
        limit = int(settings.CATALOGUE_MEMORY_BYTES * self.share)
        entry = _Entry(
            value=value, generation=since, fresh_until=time.monotonic() + seconds, size=size
        )
        with self._lock:
            # Put last: what hasn't been renewed for longest is forgotten first.
            self._forget(key)
            if size > min(limit, settings.CATALOGUE_ENTRY_BYTES):
                return
            while self.size + size > limit:
                self._forget(next(iter(self._entries)))
            self._entries[key] = entry
            self.size += size

    def drop(self, key: Hashable) -> None:
        """Forget this one: there is no next value, and the previous one must not be given out."""
        with self._lock:
            self._forget(key)

    def drop_old(self, now: float) -> None:
        """Forget what is too old to be given out even while the next value is made."""
        with self._lock:
            # The oldest stand first; what a write made old before its time goes when they do.
            while self._entries:
                key, entry = next(iter(self._entries.items()))
                if now < entry.fresh_until + STALE_SECONDS:
                    return
                self._forget(key)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()
            self.size = 0

    def _forget(self, key: Hashable) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self.size -= entry.size


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
