"""Start a stand-in and steer it from Python: for tests and scripts.

with StandIn.start(webhook_url=url) as standin:
    stripe = StripeClient(standin.secret_key, base_addresses={"api": standin.url})
    standin.webhooks(duplicate=3)
"""

import os
import queue
import secrets
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import httpx

JsonObject = dict[str, Any]
FaultKind = Literal["refuse", "fail", "hang", "drop", "crash"]
RefundOutcome = Literal["succeeded", "failed", "insufficient_funds"]

_READY = "stripe-standin listening on "
# Long enough for a busy machine: a start that fails says so by itself.
_START_SECONDS = 180.0
# How long any answer may take.
_ANSWER_SECONDS = 30.0
_STOP_SECONDS = 10.0
# A stand-in of a test does by itself nothing that takes a while: tests move its time (`forward`).
A_WHILE = 3600.0
_ROOT = Path(__file__).resolve().parents[2]


class StandInError(RuntimeError):
    """The stand-in did not start, or a control was refused."""


class StandInControls:
    """The controls of a running stand-in, over HTTP."""

    def __init__(self, url: str) -> None:
        """`url` is its base address, such as `http://127.0.0.1:4242`."""
        self.url = url
        self._http = httpx.Client(base_url=url, timeout=_ANSWER_SECONDS, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; the stand-in runs on."""
        self._http.close()

    def health(self) -> JsonObject:
        """`{"ok": True, "instance": …}`, to check that it is one's own child."""
        return self._get("/_control/health")

    def reset(self) -> None:
        """Forget everything: objects, events, keys, faults, counts."""
        self._post("/_control/reset")

    def webhooks(
        self,
        *,
        hold: bool = False,
        drop: bool = False,
        duplicate: int = 1,
        delay: float = 0.0,
        order: Literal["", "reverse", "shuffle"] = "",
        types: tuple[str, ...] = (),
    ) -> None:
        """Say how events are delivered from now on; without arguments: as Stripe does.

        `hold` keeps deliveries back until the mode changes, `drop` never makes them, `delay` is in
        seconds, `duplicate` is how often each event is sent. With `types` only those are affected.
        """
        self._post(
            "/_control/webhooks",
            hold=hold,
            drop=drop,
            duplicate=duplicate,
            delay=delay,
            order=order,
            types=list(types),
        )

    def send_webhooks_to(self, url: str, *webhook_secrets: str, types: Sequence[str] = ()) -> None:
        """Send events, those still waiting too, to this URL alone until a restart. With `types` it
        is registered for events of these alone."""
        endpoint = {"url": url, "secrets": webhook_secrets, "types": list(types)}
        self._post("/_control/endpoints", endpoints=[endpoint])

    def fault(
        self,
        kind: FaultKind,
        operation: str = "*",
        *,
        times: int = 1,
        status: int = 500,
        seconds: float = 0.0,
    ) -> None:
        """Have the next `times` calls of an operation (`payment_intents.create`, …) go wrong.

        `refuse` answers `status` (503, 429, 403 as of a restricted key, …) at the door; `fail`
        answers it in place of the work, kept under the idempotency key as Stripe keeps a 500;
        `hang` waits `seconds` first; `drop` does the work and closes the connection without an
        answer; `crash` ends the stand-in in the middle of the work.
        """
        self._post(
            "/_control/faults",
            kind=kind,
            operation=operation,
            times=times,
            status=status,
            seconds=seconds,
        )

    def clear_faults(self) -> None:
        """Take back the faults not met yet."""
        self._checked(self._http.delete("/_control/faults"))

    def counts(self) -> dict[str, int]:
        """How often each operation was answered since the start or the last reset."""
        counts: dict[str, int] = self._get("/_control/calls")["counts"]
        return counts

    def calls(self) -> list[JsonObject]:
        """The latest calls: operation, status, replayed, idempotency_key, version, at."""
        calls: list[JsonObject] = self._get("/_control/calls")["calls"]
        return calls

    def hanging(self) -> int:
        """How many calls hang at this moment, as a fault wants it."""
        number: int = self._get("/_control/calls")["hanging"]
        return number

    def deliveries(self) -> list[JsonObject]:
        """Every webhook delivery: event, kind, url, state, attempts, status, problem."""
        deliveries: list[JsonObject] = self._get("/_control/deliveries")["deliveries"]
        return deliveries

    def flush(self, timeout: float = 60.0) -> bool:
        """Send all that is waiting, now; whether everything was accepted within `timeout` s."""
        answer = self._http.post(
            "/_control/webhooks/flush", json={"timeout": timeout}, timeout=timeout + _ANSWER_SECONDS
        )
        done: bool = self._checked(answer)["done"]
        return done

    def resend(self, event_id: str) -> None:
        """Deliver an event once more."""
        self._post(f"/_control/events/{event_id}/resend")

    def forward(self, seconds: float) -> int:
        """Move the stand-in's time ahead, and do the jobs due by then; how many there were."""
        done: int = self._post("/_control/clock/forward", seconds=seconds)["done"]
        return done

    def run_jobs(self) -> int:
        """Do now what Stripe does a while later: settle debits, open disputes, end refunds."""
        done: int = self._post("/_control/jobs/run")["done"]
        return done

    def expire_idempotency_keys(self) -> None:
        """Forget all idempotency keys, as after 24 hours."""
        self._post("/_control/idempotency/expire")

    def settle_payment(
        self, intent_id: str, outcome: Literal["succeeded", "failed"] = "succeeded"
    ) -> JsonObject:
        """End a processing intent; the intent afterwards."""
        return self._post(f"/_control/payment_intents/{intent_id}/settle", outcome=outcome)

    def authenticate(self, intent_id: str, *, passed: bool = True) -> JsonObject:
        """End a 3-D Secure challenge as the buyer would; the intent afterwards."""
        return self._post(f"/_control/payment_intents/{intent_id}/authenticate", passed=passed)

    def settle_refund(self, refund_id: str, outcome: RefundOutcome = "succeeded") -> JsonObject:
        """End a refund; the refund afterwards. For `insufficient_funds` one fails that is
        pending."""
        return self._post(f"/_control/refunds/{refund_id}/settle", outcome=outcome)

    def open_dispute(
        self,
        *,
        charge: str | None = None,
        payment_intent: str | None = None,
        reason: str = "fraudulent",
        amount: int | None = None,
        inquiry: bool = False,
    ) -> JsonObject:
        """Have the cardholder dispute a charge; the dispute."""
        target = {"charge": charge} if charge else {"payment_intent": payment_intent}
        return self._post(
            "/_control/disputes", **target, reason=reason, amount=amount, inquiry=inquiry
        )

    def appeal_dispute(self, dispute_id: str) -> JsonObject:
        """Have a lost dispute looked at once more; the dispute afterwards."""
        return self._post(f"/_control/disputes/{dispute_id}/appeal")

    def close_dispute(self, dispute_id: str, status: Literal["won", "lost"]) -> JsonObject:
        """End a dispute; the dispute afterwards."""
        return self._post(f"/_control/disputes/{dispute_id}/close", status=status)

    def book_charge(self, charge_id: str) -> JsonObject:
        """Bring a captured charge to the balance, so that its fee is known; the charge."""
        return self._post(f"/_control/charges/{charge_id}/book")

    def onboard(self, account_id: str, *, ready: bool = True) -> JsonObject:
        """Finish a connected account's onboarding, or stop its transfers; the account."""
        return self._post(f"/_control/accounts/{account_id}/onboard", ready=ready)

    def reject(self, account_id: str, reason: str = "other") -> JsonObject:
        """Reject a connected account for good; the account."""
        return self._post(f"/_control/accounts/{account_id}/reject", reason=reason)

    def deauthorize(self, account_id: str) -> JsonObject:
        """Take our access to a connected account away; the account, as it was."""
        return self._post(f"/_control/accounts/{account_id}/deauthorize")

    def refuse_payout(self, account_id: str, code: str = "account_closed") -> JsonObject:
        """Let the bank of an account's owner refuse a payout; the payout."""
        return self._post(f"/_control/accounts/{account_id}/refuse_payout", code=code)

    def reverse_transfer(self, transfer_id: str, amount: int | None = None) -> JsonObject:
        """Take a transfer back, whole or in part; the reversal."""
        given = {} if amount is None else {"amount": amount}
        return self._post(f"/_control/transfers/{transfer_id}/reverse", **given)

    def pay_out(self, amount: int, *, fee: int = 0, currency: str = "usd") -> JsonObject:
        """Pay the platform out to its bank; the payout."""
        return self._post("/_control/payouts", amount=amount, fee=fee, currency=currency)

    def fail_payout(self, payout_id: str, *, canceled: bool = False) -> JsonObject:
        """Let a payout of the platform's come back from its bank, or be canceled; the payout."""
        return self._post(f"/_control/payouts/{payout_id}/fail", canceled=canceled)

    def move_balance(self, kind: str, amount: int, **more: Any) -> JsonObject:
        """Let Stripe move money by itself, such as a `stripe_fee` of Radar (negative) or a `topup`;
        the balance transaction."""
        return self._post("/_control/balance_transactions", type=kind, amount=amount, **more)

    def limit_balance(self, available: int | None, *, refunds_wait: bool = False) -> None:
        """Say how much (minor units) can still leave; None: no limit, as at the start. A refund
        beyond it is refused, or with `refunds_wait` left pending."""
        self._post("/_control/balance", available=available, refunds_wait=refunds_wait)

    def set_up_platform(self, *, country: str = "US", interval: str = "daily") -> JsonObject:
        """Say where our own account is and how often it is paid out to its bank; the account."""
        return self._post("/_control/platform", country=country, interval=interval)

    def _get(self, path: str) -> JsonObject:
        return self._checked(self._http.get(path))

    def _post(self, path: str, **given: Any) -> JsonObject:
        return self._checked(self._http.post(path, json=given))

    @staticmethod
    def _checked(answer: httpx.Response) -> JsonObject:
        if answer.is_error:
            raise StandInError(f"{answer.request.url.path}: {answer.status_code} {answer.text}")
        body: JsonObject = answer.json()
        return body


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys a stand-in is started with; fresh ones by default."""

    secret: str
    publishable: str
    webhook: str

    @classmethod
    def fresh(cls) -> Self:
        """Keys nobody else uses."""
        text = secrets.token_hex(12)
        return cls(f"sk_test_{text}", f"pk_test_{text}", f"whsec_{text}")


class StandIn(StandInControls):
    """A stand-in that runs as a child process of this one."""

    def __init__(self, process: subprocess.Popen[str], url: str, keys: Keys) -> None:
        super().__init__(url)
        self.process = process
        self.secret_key = keys.secret
        self.publishable_key = keys.publishable
        self.webhook_secret = keys.webhook

    @classmethod
    @contextmanager
    def start(
        cls,
        *,
        webhook_url: str | None = None,
        state: Path | None = None,
        keys: Keys | None = None,
        port: int = 0,
        retry_delay: float = 0.05,
        webhook_timeout: float = 5.0,
        async_delay: float = A_WHILE,
    ) -> Iterator[Self]:
        """Run a stand-in on a free loopback port until the block ends.

        Raises `StandInError` when it does not come up in time, or isn't our own child.
        """
        keys = keys or Keys.fresh()
        instance = secrets.token_hex(8)
        command = [sys.executable, "-m", "devtools.stripe_standin", f"--port={port}"]
        command += ["--secret-key", keys.secret, "--publishable-key", keys.publishable]
        command += ["--webhook-secret", keys.webhook, "--instance", instance]
        command += [f"--retry-delay={retry_delay}", f"--webhook-timeout={webhook_timeout}"]
        command += [f"--async-delay={async_delay}"]
        if webhook_url is not None:
            command += ["--webhook-url", webhook_url]
        if state is not None:
            command += ["--state", str(state)]
        process = subprocess.Popen(
            command, cwd=_ROOT, stdout=subprocess.PIPE, text=True, env=dict(os.environ)
        )
        try:
            standin = cls(process, _ready_url(process), keys)
            with standin:
                if standin.health()["instance"] != instance:
                    raise StandInError("somebody else's stand-in answers on this port")
                yield standin
        finally:
            _end(process)


def _ready_url(process: subprocess.Popen[str]) -> str:
    lines: queue.Queue[str] = queue.Queue()

    def read() -> None:
        assert process.stdout is not None
        lines.put(process.stdout.readline())

    threading.Thread(target=read, daemon=True).start()
    try:
        line = lines.get(timeout=_START_SECONDS)
    except queue.Empty:
        raise StandInError("the stand-in did not start in time") from None
    if not line.startswith(_READY):
        raise StandInError(f"the stand-in did not start: {line!r}")
    return line.removeprefix(_READY).strip()


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
