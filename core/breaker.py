"""Leaving alone, for a while, what has just failed."""

import logging
import threading
import time
from collections.abc import Callable

logger = logging.getLogger(__name__)


class Breaker:
    """After a failure nobody in this process calls the thing for `pause()` seconds; then one caller
    tries it while the others still stay away, and its success lets everybody in again.

    Own code, as the libraries for it either hold a lock during the call, so that one thread calls
    at a time, or let every thread try at once when the pause is over.
    """

    def __init__(self, name: str, *, pause: Callable[[], float]) -> None:
        self._name = name
        self._pause = pause
        self._lock = threading.Lock()
        # None while all is well.
        self._next_try_at: float | None = None

    @property
    def is_open(self) -> bool:
        """Whether the last that was heard of the thing is a failure."""
        return self._next_try_at is not None

    def allows(self) -> bool:
        """Whether to call now. After True the caller reports by `succeeded` or `failed`; for one
        that tries and never does, the next try is a pause later."""
        if not self.is_open:
            return True
        with self._lock:
            if self._next_try_at is None:
                return True
            now = time.monotonic()
            if now < self._next_try_at:
                return False
            self._next_try_at = now + self._pause()
            return True

    def succeeded(self) -> None:
        """Note that it answers, be it with a refusal."""
        if self.is_open:
            self.reset()
            logger.info("%s answers again", self._name)

    def failed(self, exc: BaseException) -> None:
        """Note that it doesn't answer."""
        with self._lock:
            is_news = not self.is_open
            self._next_try_at = time.monotonic() + self._pause()
        if is_news:
            logger.error(
                "%s doesn't answer and is left alone for a while: %s",
                self._name,
                exc,
                extra={"outage": self._name},
            )

    def reset(self) -> None:
        """Forget what was reported."""
        with self._lock:
            self._next_try_at = None
