"""Work that takes much memory, done by few at a time in each process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from core.errors import Unavailable
from core.waits import slow_waits


class Gate:
    """Lets so many threads of a process through at once."""

    def __init__(self, *, width: int = 1) -> None:
        self._free = threading.BoundedSemaphore(width)

    @contextmanager
    def passed(self) -> Iterator[None]:
        """Wait for a place and keep it for the block. Raises Unavailable after
        `HEAVY_WAIT_SECONDS`, and at once when as many threads wait as may (`core.waits`): one that
        waits is missing elsewhere."""
        if not (self._free.acquire(blocking=False) or self._is_free_in_time()):
            raise Unavailable("Others are being served; try again in a few seconds")
        try:
            yield
        finally:
            self._free.release()

    def _is_free_in_time(self) -> bool:
        with slow_waits.entered() as is_in:
            return is_in and self._free.acquire(timeout=settings.HEAVY_WAIT_SECONDS)
