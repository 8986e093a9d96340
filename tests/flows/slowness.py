"""How much slower than its own processor a busy machine is, for bounds in seconds to grow with."""

import threading
import time
from typing import Self

# Long enough for the scheduler to let others in between, seldom enough to be no load itself.
_WORK_SECONDS = 0.05
_PAUSE_SECONDS = 0.5


class Slowness:
    """Measures, until the block ends, how long a little work takes against the processor's time for
    it: once on a machine that does nothing else, several times where many want the same
    processors."""

    def __init__(self) -> None:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._measure)
        self._worst = 1.0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def forget(self) -> None:
        """Begin anew."""
        self._worst = 1.0

    def stretch(self, seconds: float) -> float:
        """Return how long something may take here that takes so long on a machine of its own."""
        return seconds * self._worst

    def _measure(self) -> None:
        while not self._over.wait(_PAUSE_SECONDS):
            self._worst = max(self._worst, _measure_once())


def _measure_once() -> float:
    begun, worked = time.perf_counter(), time.thread_time()
    while time.thread_time() - worked < _WORK_SECONDS:
        pass
    return (time.perf_counter() - begun) / (time.thread_time() - worked)
