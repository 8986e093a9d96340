"""Where the exchanges of all processes pass, and where one of them is killed."""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Instant(StrEnum):
    """When, seen from an exchange, the process dies.

    `before`: its request never arrives. `after`: the request was worked on, its answer never
    arrives. Between an answer and the next request nobody sees what a process does, so these two
    are all there is to see from outside.
    """

    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True)
class Point:
    """The `index`-th exchange (from 1) of a process with a service, and when."""

    role: str
    service: str
    index: int
    instant: Instant

    def __str__(self) -> str:
        return f"{self.instant} {self.role}'s exchange {self.index} with {self.service}"


class KilledError(Exception):
    """The process behind this connection is dead by now."""


class Gate:
    """Counts exchanges while a flow is watched, and kills at the armed point, once."""

    def __init__(self, kill: Callable[[str], None]) -> None:
        """`kill` ends the process of a role and returns when it is gone."""
        self._kill = kill
        self._lock = threading.Lock()
        self._watching = False
        self._point: Point | None = None
        self.exchanges: Counter[tuple[str, str]] = Counter()
        self.messages: Counter[tuple[str, str]] = Counter()
        self.killed_at = ""

    def watch(self, point: Point | None) -> None:
        """Begin to count, from zero, and kill at the point, if there is one."""
        with self._lock:
            self.exchanges.clear()
            self.messages.clear()
            self.killed_at = ""
            self._point = point
            self._watching = True

    def stop_watching(self) -> None:
        """Let everything pass uncounted."""
        with self._lock:
            self._watching = False
            self._point = None

    def request(self, role: str, service: str, label: str, *, messages: int) -> bool:
        """Count an exchange whose request is about to be passed on; True when its answer is to be
        kept back. Raises KilledError when the process died here."""
        with self._lock:
            if not self._watching:
                return False
            self.exchanges[role, service] += 1
            self.messages[role, service] += messages
            is_here = self._point is not None and (
                (self._point.role, self._point.service, self._point.index)
                == (role, service, self.exchanges[role, service])
            )
            if not is_here or self.killed_at:
                return False
            self.killed_at = label or "(no text)"
            is_before = self._point is not None and self._point.instant is Instant.BEFORE
        if not is_before:
            return True
        self._kill(role)
        raise KilledError

    def answer(self, role: str) -> None:
        """Kill the process in place of passing on the answer that was kept back."""
        self._kill(role)
        raise KilledError
