"""What a test has asked to go wrong. Kept in memory only: a restart is well again."""

import asyncio
import os
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

from devtools.stripe_standin.config import Config, WebhookMode
from devtools.stripe_standin.errors import ApiError, internal_error, permission_missing

_CALLS_KEPT = 2000


@dataclass(slots=True)
class Fault:
    """One thing to go wrong for the next `times` calls of `operation` ("*" for any).

    `kind` is `refuse` (answer `status` at the door, so that nothing is kept), `fail` (answer
    `status` in place of the work, kept under the call's idempotency key as Stripe keeps a 500),
    `hang` (wait `seconds` first), `drop` (do the work, then close the connection unanswered) or
    `crash` (end the whole process in the middle of the work, as `kill -9` would).
    """

    kind: str
    operation: str = "*"
    times: int = 1
    status: int = 500
    seconds: float = 0.0

    def error(self) -> ApiError:
        """The failure as Stripe words it; 403 is of a restricted key without the right."""
        if self.status == 403:
            return permission_missing(self.operation)
        if self.status == 429:
            return ApiError(
                "Request rate limit exceeded. You can learn more about rate limits here "
                "https://stripe.com/docs/rate-limits.",
                status=429,
                code="rate_limit",
            )
        return internal_error(self.status)


@dataclass(slots=True)
class Controls:
    """Configuration, faults, webhook mode and call counts."""

    config: Config
    mode: WebhookMode = field(default_factory=WebhookMode)
    faults: list[Fault] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    calls: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=_CALLS_KEPT))
    hanging: int = 0
    _forgotten: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, fault: Fault) -> None:
        """Have it go wrong from the next call on."""
        self.faults.append(fault)

    def take(self, kind: str, operation: str) -> Fault | None:
        """The fault of this kind due for a call of the operation, counted down."""
        for fault in self.faults:
            if fault.kind == kind and fault.operation in ("*", operation):
                fault.times -= 1
                if fault.times <= 0:
                    self.faults.remove(fault)
                return fault
        return None

    async def wait_if_hanging(self, operation: str) -> None:
        """Wait when this call is to hang. Raises ConnectionAbortedError when all is forgotten
        meanwhile: what a test left hanging does nothing in the next."""
        forgotten = self._forgotten
        fault = self.take("hang", operation)
        if fault is None:
            return
        self.hanging += 1
        try:
            async with asyncio.timeout(fault.seconds):
                await forgotten.wait()
        except TimeoutError:
            return
        finally:
            self.hanging -= 1
        raise ConnectionAbortedError("forgotten while it hung")

    def crash_if_asked(self, operation: str) -> None:
        """End the process on the spot when this call is to crash it."""
        if self.take("crash", operation) is not None:
            os._exit(137)

    def note(
        self, operation: str, *, status: int, replayed: bool, key: str | None, version: str | None
    ) -> None:
        """Count an answered call."""
        self.counts[operation] += 1
        self.calls.append(
            {
                "operation": operation,
                "status": status,
                "replayed": replayed,
                "idempotency_key": key,
                "version": version,
                "at": time.time(),
            }
        )

    def clear(self) -> None:
        """Well again: no faults, plain webhooks, counts at zero. Endpoints stay as they are."""
        self._forgotten.set()
        self._forgotten = asyncio.Event()
        self.mode = WebhookMode()
        self.faults.clear()
        self.counts.clear()
        self.calls.clear()
