"""Celery's scheduler as we run it: it forgets everything, as rows know what is due."""

from typing import Any

from celery.beat import Scheduler

from core import heartbeats


class ForgetfulScheduler(Scheduler):
    """Keeps its schedule in memory. Every sweep is due soon after each start, and daily work is
    decided on by rows (`core.jobs`): a file would only be one more thing that a kill can break."""

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Send what is due, and give a sign of life from the very loop that does so."""
        heartbeats.give_sign([heartbeats.BEAT])
        delay: float = super().tick(*args, **kwargs)
        return min(delay, heartbeats.EVERY_SECONDS)
