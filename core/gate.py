"""Work that takes much memory, done by few at a time in each process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from core.errors import Unavailable


class Gate:
    """Lets so many threads of a process through at once."""

    def __init__(self, *, width: int = 1) -> None:
        self._free = threading.BoundedSemaphore(width)

    @contextmanager
    def passed(self) -> Iterator[None]:
        """Wait for a place and keep it for the block. Raises Unavailable after
        `HEAVY_WAIT_SECONDS`: a thread that waits longer is missing elsewhere."""
        if not self._free.acquire(timeout=settings.HEAVY_WAIT_SECONDS):
            raise Unavailable("Others are being served; try again in a few seconds")
        try:
            yield
        finally:
            self._free.release()
