"""The last sign of life of the processes that no request reaches: workers and beat.

They lie in Redis, without which neither does anything. Each role has one, whichever of its
processes gave it: what counts is whether anybody is there.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.core.cache import cache

BEAT = "beat"
# A role whose last sign is older is gone.
GONE_AFTER_SECONDS = 30.0
# How often a process gives one.
EVERY_SECONDS = 5.0
# So long it is remembered when somebody was last there.
_KEPT_SECONDS = 7 * 24 * 3600

_given: dict[str, float] = {}


@dataclass(frozen=True)
class Life:
    """How long ago a role's last sign of life was; None when there was none."""

    role: str
    seconds_ago: float | None

    @property
    def is_alive(self) -> bool:
        """Whether somebody is there."""
        return self.seconds_ago is not None and self.seconds_ago <= GONE_AFTER_SECONDS


def worker_of(queue: str) -> str:
    """Return the role of the workers of a queue."""
    return f"worker-{queue}"


def give_sign(roles: Iterable[str]) -> None:
    """Note that somebody in these roles is alive, and touch `ALIVE_FILE` for a container's own
    check. May be called as often as one likes, and never raises: without Redis, there is nobody who
    could look."""
    now = time.time()
    due = [role for role in roles if not 0 <= now - _given.get(role, 0) < EVERY_SECONDS]
    for role in due:
        _given[role] = now
        cache.set(_key(role), now, timeout=_KEPT_SECONDS)
    if due and settings.ALIVE_FILE:
        Path(settings.ALIVE_FILE).touch()


def look() -> list[Life]:
    """Return the life of each role that `WATCHED_PROCESSES` names."""
    roles = list(settings.WATCHED_PROCESSES)
    found = cache.get_many([_key(role) for role in roles]) if roles else {}
    now = time.time()
    return [_life(role, found.get(_key(role)), now) for role in roles]


def _life(role: str, at: float | None, now: float) -> Life:
    # Two machines' clocks may differ a little.
    return Life(role, None if at is None else max(0.0, now - at))


def _key(role: str) -> str:
    return f"alive:{role}"
