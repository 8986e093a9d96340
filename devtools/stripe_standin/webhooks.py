"""The background worker: delivers events, and does what Stripe does a while later.

A delivery is a row until an endpoint answers 2xx. It is tried again after `retry_delay`, twice
that, and so on up to an hour between tries; after 16 tries it is given up. Rows outlive the
process, so what was not delivered goes out after a restart (perhaps twice, as with Stripe).
"""

import asyncio
import hashlib
import hmac
import logging
import random
import sqlite3
import time
from collections.abc import Callable, Collection

import orjson

from devtools.stripe_standin.config import Endpoint
from devtools.stripe_standin.errors import ApiError
from devtools.stripe_standin.faults import Controls
from devtools.stripe_standin.resources import charges, disputes, paying, refunds
from devtools.stripe_standin.resources.events import with_pending
from devtools.stripe_standin.scope import Scope
from devtools.stripe_standin.sender import Sender

logger = logging.getLogger(__name__)

# As many as people who may pay at the same moment: with fewer, their webhooks queue behind them.
_SENDERS = 32
_BATCH = 64
_LONGEST_PAUSE = 3600.0
_MAX_ATTEMPTS = 16
_IDLE = 5.0
_BREATH = 0.005


def sign(payload: bytes, endpoint: Endpoint, at: int) -> str:
    """The `Stripe-Signature` header: one `v1` per secret (docs.stripe.com/webhooks/signature)."""
    signatures = [
        hmac.new(secret.encode(), f"{at}.".encode() + payload, hashlib.sha256).hexdigest()
        for secret in endpoint.secrets
    ]
    return ",".join([f"t={at}", *(f"v1={signature}" for signature in signatures)])


def pause_after(attempts: int, retry_delay: float) -> float:
    """The seconds to wait after that many tries in vain: doubling, an hour at most."""
    return min(_LONGEST_PAUSE, retry_delay * float(2 ** (attempts - 1)))


class Worker:
    """Finds what is due, and sends it, several at once."""

    def __init__(self, scope: Callable[[], Scope], controls: Controls) -> None:
        self._scope = scope
        self._controls = controls
        self._sender = Sender(controls.config.webhook_timeout)
        self._room = asyncio.Semaphore(_SENDERS)
        self._woken = asyncio.Event()
        self._recorded = asyncio.Event()
        self._stopping = False
        self._sending: dict[int, asyncio.Task[None]] = {}

    def start(self) -> None:
        """Begin, with what an earlier process left undelivered."""
        self.adopt()
        self._turning = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Finish the sends under way and end; safe to call once."""
        self._stopping = True
        self._turning.cancel()
        await asyncio.gather(self._turning, *self._sending.values(), return_exceptions=True)
        self._sender.close()

    def wake(self) -> None:
        """Say that something new may be due."""
        self._woken.set()

    async def flush(self, timeout: float) -> int:
        """Make everything due now and wait for it; the number of deliveries still undone.

        Held deliveries are neither sent nor counted. Gives up after `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        self._scope().store.execute("UPDATE deliveries SET due = 0 WHERE state = 'pending'")
        self.wake()
        while (left := self._undone()) and (wait := deadline - time.monotonic()) > 0:
            self._recorded.clear()
            await _wait(self._recorded, wait)
        return left

    def forward(self, seconds: float) -> int:
        """Move time ahead and do the jobs that are due by then, in their order; how many.

        What is then due to be delivered goes out soon after.
        """
        store = self._scope().store
        store.forward(seconds)
        done = self._do_jobs(before=store.now())
        self.wake()
        return done

    def run_jobs(self) -> int:
        """Do all waiting jobs now, whenever they were due; how many there were."""
        done = self._do_jobs(before=float("inf"))
        self.wake()
        return done

    def adopt(self) -> None:
        """Redirect what was meant for an endpoint that is gone, as the receiver has moved."""
        scope = self._scope()
        if not scope.config.endpoints:
            return
        known = [*self._endpoints()]
        scope.store.execute(
            "UPDATE deliveries SET url = ? "
            f"WHERE state = 'pending' AND url NOT IN ({_marks(known)})",
            scope.config.endpoints[0].url,
            *known,
        )

    def _endpoints(self) -> dict[str, Endpoint]:
        return {endpoint.url: endpoint for endpoint in self._controls.config.endpoints}

    async def _run(self) -> None:
        try:
            while True:
                await self._turn()
        except Exception:
            logger.exception("no more events are delivered")
            raise

    async def _turn(self) -> None:
        self._woken.clear()
        self._do_jobs(before=self._scope().store.now())
        await self._send_due()
        # Many payments at once are a few turns; one is sent at once.
        await asyncio.sleep(_BREATH)
        if not self._woken.is_set():
            await _wait(self._woken, self._pause())

    def _pause(self) -> float:
        store = self._scope().store
        rows = store.rows(
            "SELECT min(due) AS next FROM (SELECT due FROM jobs UNION ALL "
            "SELECT due FROM deliveries WHERE state = 'pending' AND due > ?)",
            store.now(),
        )
        soonest = rows[0]["next"]
        return _IDLE if soonest is None else min(_IDLE, max(0.01, soonest - store.now()))

    def _do_jobs(self, *, before: float) -> int:
        """Do the jobs that are due by then, and what these lead to; how many. Whatever asks for
        another turn, as a refund does that waits for our balance, has it another time."""
        store = self._scope().store
        seen: set[tuple[str, str]] = set()
        done = 0
        while rows := [
            row
            for row in store.rows("SELECT * FROM jobs WHERE due <= ? ORDER BY due, seq", before)
            if (row["name"], row["target"]) not in seen
        ]:
            for row in rows:
                self._do_job(row)
                seen.add((row["name"], row["target"]))
            done += len(rows)
        return done

    def _do_job(self, row: sqlite3.Row) -> None:
        scope = self._scope()
        with scope.store.transaction():
            scope.store.execute("DELETE FROM jobs WHERE seq = ?", row["seq"])
            try:
                with scope.store.savepoint(keep=ApiError):
                    _do(scope, row["name"], row["target"])
            except ApiError:
                pass  # it was done by hand meanwhile, or its object is no longer in that state

    def _undone(self) -> int:
        return len(self._pending(before=float("inf")))

    def _free(self, *, before: float) -> list[sqlite3.Row]:
        """What is due and not being sent right now."""
        rows = self._pending(before=before, limit=_BATCH + len(self._sending))
        return [row for row in rows if row["seq"] not in self._sending]

    def _pending(self, *, before: float, limit: int = -1) -> list[sqlite3.Row]:
        mode, known = self._controls.mode, [*self._endpoints()]
        if mode.hold and not mode.types:
            return []
        held = [*mode.types] if mode.hold else []
        return self._scope().store.rows(
            "SELECT * FROM deliveries WHERE state = 'pending' AND due <= ? "
            f"AND kind NOT IN ({_marks(held)}) AND url IN ({_marks(known)}) "
            "ORDER BY due, seq LIMIT ?",
            before,
            *held,
            *known,
            limit,
        )

    async def _send_due(self) -> None:
        due = self._free(before=self._scope().store.now())[:_BATCH]
        order = self._controls.mode.order
        if order == "reverse":
            due.sort(key=lambda row: -row["seq"])
        elif order == "shuffle":
            random.shuffle(due)
        for row in due:
            sending = self._sending[row["seq"]] = asyncio.create_task(self._send(row))
            if order:
                await asyncio.wait({sending})

    async def _send(self, row: sqlite3.Row) -> None:
        try:
            async with self._room:
                if self._stopping:
                    return
                status, problem = await self._post(row)
            self._record(row, status, problem)
        finally:
            del self._sending[row["seq"]]
            self._recorded.set()
            # More may be due than there was room for, and this one again.
            if len(self._sending) < _SENDERS:
                self.wake()

    async def _post(self, row: sqlite3.Row) -> tuple[int | None, str | None]:
        scope = self._scope()
        event, endpoint = scope.store.get(row["event"]), self._endpoints().get(row["url"])
        if event is None or endpoint is None:
            return None, "the event or the endpoint is gone"
        payload = orjson.dumps(with_pending(scope, event), option=orjson.OPT_INDENT_2)
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            "Stripe-Signature": sign(payload, endpoint, int(time.time())),
        }
        try:
            return await self._sender.post(row["url"], payload, headers), None
        except (OSError, ValueError) as error:
            return None, f"{type(error).__name__}: {error}"

    def _record(self, row: sqlite3.Row, status: int | None, problem: str | None) -> None:
        scope = self._scope()
        attempts = row["attempts"] + 1
        if status is not None and 200 <= status < 300:
            state, pause = "delivered", 0.0
        else:
            state = "failed" if attempts >= _MAX_ATTEMPTS else "pending"
            pause = pause_after(attempts, scope.config.retry_delay)
        scope.store.execute(
            "UPDATE deliveries SET state = ?, attempts = ?, status = ?, problem = ?, due = ? "
            "WHERE seq = ?",
            state,
            attempts,
            status,
            problem,
            scope.store.now() + pause,
            row["seq"],
        )


async def _wait(event: asyncio.Event, seconds: float) -> None:
    """Wait for the event, no longer than that."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass


def _marks(values: Collection[str]) -> str:
    """As many places for values as there are."""
    return ", ".join("?" for _ in values)


def _do(scope: Scope, name: str, target: str) -> None:
    if name == "settle_debit":
        paying.settle_debit(scope, scope.get("payment_intent", target))
    elif name == "open_dispute":
        charge = scope.get("charge", target)
        card = scope.store.traits(target)
        disputes.open_dispute(scope, charge, reason=card["dispute"], inquiry=card["inquiry"])
    elif name == "book_charge":
        charges.book(scope, scope.get("charge", target))
    elif name == "advance_refund":
        refunds.advance(scope, scope.get("refund", target))
