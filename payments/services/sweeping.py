"""How the sweeps of this app go through what is due."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings

from core.logging import on_behalf_of
from payments.errors import PaymentsUnavailable
from payments.stripe_gateway import StripeForbidden
from payments.stripe_patience import deadline

logger = logging.getLogger(__name__)

T = TypeVar("T")

# No new row is begun after this long: well below the claim of a row and the time limit of a task.
BUDGET_SECONDS = 30.0


def sweep(
    *,
    claim: Callable[[], T | None],
    work: Callable[[T], None],
    failed: Callable[[T, Exception], None],
    limit: int,
) -> int:
    """Claim and work one row after the other, up to `limit`; returns how many were tried.

    A row is claimed only when its turn comes, so that no claim lapses behind slow ones, and its
    calls to Stripe together end well before its claim does. What `work` raises goes to `failed` and
    no further: one bad row holds nobody up, nor does one for which our key lacks a right. When
    Stripe doesn't answer the sweep ends, as each further try would hold a worker until the next
    time-out.
    """
    started = time.monotonic()
    tried = 0
    while tried < limit and (row := claim()) is not None:
        tried += 1
        if not attempt(row, work=work, failed=failed) or is_over(started=started):
            break
    return tried


def attempt(row: T, *, work: Callable[[T], None], failed: Callable[[T, Exception], None]) -> bool:
    """Work one row; what that raises goes to `failed` and no further, but for the end of the
    worker's time. False when Stripe doesn't answer."""
    # Not every row knows the request that caused it.
    with on_behalf_of(getattr(row, "request_id", "")):
        try:
            with deadline(seconds=patience()):
                work(row)
        except PaymentsUnavailable as exc:
            logger.warning("%s is tried later: %s", row, exc)
            failed(row, exc)
            return isinstance(exc, StripeForbidden)
        except SoftTimeLimitExceeded:
            # The worker's time is up: the row's claim lapses by itself.
            raise
        except Exception as exc:
            logger.exception("%s failed", row)
            failed(row, exc)
    return True


def is_over(*, started: float) -> bool:
    """Whether a sweep that was begun then (`time.monotonic`) begins nothing new."""
    return time.monotonic() - started >= BUDGET_SECONDS


def patience() -> float:
    """Return how long the calls of one row may take: one always may, and all together leave a good
    part of the claim for what is done with the answers."""
    return max(settings.STRIPE_TIMEOUT_SECONDS, settings.LEASE.total_seconds() * 0.6)
