"""How many threads of a web process wait, at this moment, for something that is slow to answer.

Whatever they wait for (PostgreSQL, files on S3, Stripe, their turn at heavy work), `SLOW_WAITS` of
them together may: fewer than a web process serves requests with, so that outages of some things
leave threads for everything else. Who would be one more is refused.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from core.process import role


class Waits:
    """Counts those who wait. Safe to share among threads; in worker and commands there is no limit,
    as nobody else needs their threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0

    @property
    def count(self) -> int:
        """How many wait."""
        return self._count

    def enter(self) -> bool:
        """Count one more, who calls `leave` when done; False, and nothing to leave, when as many as
        may wait already."""
        with self._lock:
            if role() == "web" and self._count >= settings.SLOW_WAITS:
                return False
            self._count += 1
            return True

    def leave(self) -> None:
        """Count one less."""
        with self._lock:
            self._count -= 1

    @contextmanager
    def entered(self) -> Iterator[bool]:
        """Enter for the block; False when there is no room."""
        is_in = self.enter()
        try:
            yield is_in
        finally:
            if is_in:
                self.leave()


slow_waits = Waits()
