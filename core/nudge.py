"""Telling Celery that there is work. Only a hint: a beat sweep finds the work anyway."""

import logging
import time

from celery import current_app

logger = logging.getLogger(__name__)

# After a failure nobody tries the broker for this long, so that a dead one can't slow each request.
PAUSE_SECONDS = 30.0
_paused_until = 0.0


def nudge(task: str) -> None:
    """Ask a worker to run the named task soon. Never raises and never waits long: when the broker
    doesn't take it, the sweep does the work some seconds later."""
    global _paused_until  # noqa: PLW0603 - one clock per process is the point
    if time.monotonic() < _paused_until:
        return
    try:
        current_app.send_task(task, retry=False, ignore_result=True, expires=60)
    except Exception as exc:
        _paused_until = time.monotonic() + PAUSE_SECONDS
        logger.warning("broker unavailable, %s is left to the sweep: %s", task, exc)
