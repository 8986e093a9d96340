"""How the sweeps of this app go through what is due."""

import logging
import time
from collections.abc import Callable
from enum import Enum
from typing import TypeVar

from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings

from core.logging import on_behalf_of
from core.nudge import nudge_for_rest
from payments.errors import PaymentsUnavailable
from payments.stripe_gateway import (
    StripeBusy,
    StripeFailedBefore,
    StripeForbidden,
    StripeLater,
)
from payments.stripe_patience import deadline

logger = logging.getLogger(__name__)

T = TypeVar("T")

# No new row is begun after this long: well below the claim of a row and the time limit of a task.
BUDGET_SECONDS = 30.0


class Outcome(Enum):
    """What came of a row."""

    ANSWERED = "answered"  # for good or for bad
    PUT_OFF = "put off"  # by Stripe, which answers and won't do this now
    AWAY = "away"  # Stripe doesn't answer


def sweep(
    *,
    claim: Callable[[], T | None],
    work: Callable[[T], None],
    failed: Callable[[T, Exception], None],
    limit: int,
    task: str,
) -> int:
    """Claim and work one row after the other, up to `limit`; returns how many were tried.

    A row is claimed only when its turn comes, so that no claim lapses behind slow ones, and its
    calls to Stripe together end well before its claim does. What `work` raises goes to `failed` and
    no further: one bad row holds nobody up, nor does one that Stripe puts off or for which our key
    lacks a right. When Stripe doesn't answer, or puts one row off after the other, the sweep ends,
    as each further try would hold a worker until the next time-out, or be one call too many again.
    What is left otherwise, `task` is asked to go on with.
    """
    started = time.monotonic()
    tried, last, out_of_time = 0, Outcome.ANSWERED, False
    while tried < limit and not out_of_time and (row := claim()) is not None:
        tried += 1
        outcome = attempt(row, work=work, failed=failed)
        if outcome is Outcome.AWAY or outcome is last is Outcome.PUT_OFF:
            return tried
        last, out_of_time = outcome, is_over(started=started)
    nudge_for_rest(task, tried=tried, limit=limit, out_of_time=out_of_time)
    return tried


def attempt(
    row: T, *, work: Callable[[T], None], failed: Callable[[T, Exception], None]
) -> Outcome:
    """Work one row; what that raises goes to `failed` and no further, but for the end of the
    worker's time."""
    # Not every row knows the request that caused it.
    with on_behalf_of(getattr(row, "request_id", "")):
        try:
            with deadline(seconds=patience()):
                work(row)
        except PaymentsUnavailable as exc:
            logger.warning("%s is tried later: %s", row, exc)
            failed(row, exc)
            return _outcome_of(exc)
        except SoftTimeLimitExceeded:
            # The worker's time is up: the row's claim lapses by itself.
            raise
        except Exception as exc:
            logger.exception("%s failed", row)
            failed(row, exc)
    return Outcome.ANSWERED


def _outcome_of(exc: PaymentsUnavailable) -> Outcome:
    if isinstance(exc, StripeForbidden):
        return Outcome.ANSWERED
    # A failure that Stripe gives again is of one row, too.
    is_answer = isinstance(exc, StripeBusy | StripeLater | StripeFailedBefore)
    return Outcome.PUT_OFF if is_answer else Outcome.AWAY


def is_over(*, started: float) -> bool:
    """Whether a sweep that was begun then (`time.monotonic`) begins nothing new."""
    return time.monotonic() - started >= BUDGET_SECONDS


def patience() -> float:
    """Return how long the calls of one row may take: one always may, and all together leave a good
    part of the claim for what is done with the answers."""
    return max(settings.STRIPE_TIMEOUT_SECONDS, settings.LEASE.total_seconds() * 0.6)
