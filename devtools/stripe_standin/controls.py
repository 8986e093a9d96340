"""The controls for tests, under `/_control/`: JSON in, JSON out, no key, never part of `/v1`."""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from inspect import isawaitable
from typing import Any

from devtools.stripe_standin.config import Endpoint, WebhookMode
from devtools.stripe_standin.errors import ApiError, JsonObject, missing_parameter
from devtools.stripe_standin.faults import Controls, Fault
from devtools.stripe_standin.paths import Paths
from devtools.stripe_standin.resources import (
    balance,
    bank_payouts,
    charges,
    connect,
    disputes,
    paying,
    platform,
    refunds,
    transfers,
)
from devtools.stripe_standin.scope import Scope
from devtools.stripe_standin.server import Request, Response
from devtools.stripe_standin.webhooks import Worker

Settings = dict[str, Any]

# Method, path and the method of `ControlPanel` that answers it.
_PATHS = [
    ("GET", "/_control/health", "health"),
    ("POST", "/_control/reset", "reset"),
    ("GET", "/_control/calls", "calls"),
    ("POST", "/_control/faults", "faults"),
    ("DELETE", "/_control/faults", "clear_faults"),
    ("POST", "/_control/webhooks", "webhooks"),
    ("POST", "/_control/webhooks/flush", "flush"),
    ("POST", "/_control/endpoints", "endpoints"),
    ("GET", "/_control/deliveries", "deliveries"),
    ("POST", "/_control/events/{target}/resend", "resend"),
    ("POST", "/_control/clock/forward", "forward"),
    ("POST", "/_control/jobs/run", "jobs"),
    ("POST", "/_control/idempotency/expire", "expire"),
    ("POST", "/_control/payment_intents/{target}/settle", "settle"),
    ("POST", "/_control/payment_intents/{target}/authenticate", "three_ds"),
    ("POST", "/_control/refunds/{target}/settle", "settle_refund"),
    ("POST", "/_control/charges/{target}/book", "book_charge"),
    ("POST", "/_control/accounts/{target}/onboard", "onboard"),
    ("POST", "/_control/accounts/{target}/reject", "reject"),
    ("POST", "/_control/accounts/{target}/deauthorize", "deauthorize"),
    ("POST", "/_control/accounts/{target}/refuse_payout", "refuse_payout"),
    ("POST", "/_control/transfers/{target}/reverse", "reverse_transfer"),
    ("POST", "/_control/payouts", "pay_out"),
    ("POST", "/_control/payouts/{target}/fail", "fail_payout"),
    ("POST", "/_control/balance_transactions", "move_balance"),
    ("POST", "/_control/balance", "limit_balance"),
    ("POST", "/_control/platform", "set_up_platform"),
    ("POST", "/_control/disputes", "open_dispute"),
    ("POST", "/_control/disputes/{target}/appeal", "appeal_dispute"),
    ("POST", "/_control/disputes/{target}/close", "close_dispute"),
]


class ControlPanel:
    """Answers the controls. Each method named in `_PATHS` takes the target and the JSON body."""

    def __init__(self, scope: Callable[[], Scope], controls: Controls, worker: Worker) -> None:
        self._scope = scope
        self._controls = controls
        self._worker = worker
        self._paths = Paths(_PATHS)

    async def answer(self, request: Request) -> Response:
        """Do what was asked; 400 or 404 with Stripe's error shape when it can't be done."""
        try:
            status, body = 200, await self._do(request)
        except ApiError as error:
            status, body = error.status, error.body
        except (KeyError, TypeError, ValueError) as error:
            status, body = 400, {"error": {"message": str(error)}}
        self._worker.wake()
        return Response(json.dumps(body), status, {"Content-Type": "application/json"})

    async def _do(self, request: Request) -> JsonObject:
        found = self._paths.find(request.method, request.path)
        if found is None:
            raise ApiError(f"There is no control {request.method} {request.path}.", status=404)
        name, target = found
        done = getattr(self, name)(target, json.loads(request.body or "{}"))
        answer: JsonObject = await done if isawaitable(done) else done
        return answer

    def health(self, target: str, given: Settings) -> JsonObject:
        """Who is answering: the token this process was started with."""
        return {"ok": True, "instance": self._scope().config.instance}

    def reset(self, target: str, given: Settings) -> JsonObject:
        """Forget all objects, events, keys, faults and counts."""
        self._controls.clear()
        self._scope().store.clear()
        return {"ok": True}

    def calls(self, target: str, given: Settings) -> JsonObject:
        """How often each operation was answered, the latest calls in order, how many hang."""
        controls = self._controls
        return {
            "counts": dict(controls.counts),
            "calls": list(controls.calls),
            "hanging": controls.hanging,
        }

    def faults(self, target: str, given: Settings) -> JsonObject:
        """Add a fault: `{"kind", "operation", "times", "status", "seconds"}`."""
        fault = Fault(**given)
        if fault.kind not in {"refuse", "fail", "hang", "drop", "crash"}:
            raise ValueError("kind must be refuse, fail, hang, drop or crash")
        self._controls.add(fault)
        return {"ok": True}

    def clear_faults(self, target: str, given: Settings) -> JsonObject:
        """Take back the faults not met yet."""
        self._controls.faults.clear()
        return {"ok": True}

    def webhooks(self, target: str, given: Settings) -> JsonObject:
        """Set the webhook mode (see `WebhookMode`); what is left out is as Stripe does it."""
        mode = WebhookMode(**given)
        self._controls.mode = replace(mode, types=tuple(mode.types))
        return asdict(self._controls.mode)

    def endpoints(self, target: str, given: Settings) -> JsonObject:
        """Send events elsewhere: `{"endpoints": [{"url", "secrets": […], "types": […]}]}`, until a
        restart."""
        endpoints = tuple(
            Endpoint(item["url"], tuple(item["secrets"]), tuple(item.get("types", ())))
            for item in given["endpoints"]
        )
        self._controls.config = replace(self._controls.config, endpoints=endpoints)
        self._worker.adopt()
        return {"ok": True}

    async def flush(self, target: str, given: Settings) -> JsonObject:
        """Send everything now, without back-off, and wait `timeout` seconds for the end."""
        left = await self._worker.flush(float(given.get("timeout", 10)))
        return {"done": left == 0, "pending": left}

    def deliveries(self, target: str, given: Settings) -> JsonObject:
        """Every delivery: event, type, state, attempts, last status or problem."""
        rows = self._scope().store.rows("SELECT * FROM deliveries ORDER BY seq")
        return {"deliveries": [dict(row) for row in rows]}

    def resend(self, target: str, given: Settings) -> JsonObject:
        """Deliver an event once more to every endpoint."""
        return self._act(lambda scope: _resend(scope, target))

    def jobs(self, target: str, given: Settings) -> JsonObject:
        """Do now what Stripe would do a while later (debits, disputes, refunds)."""
        return {"done": self._worker.run_jobs()}

    def forward(self, target: str, given: Settings) -> JsonObject:
        """Move the stand-in's time ahead by `{"seconds"}`, and do what is due by then."""
        done = self._worker.forward(float(given["seconds"]))
        return {"done": done, "now": self._scope().now()}

    def expire(self, target: str, given: Settings) -> JsonObject:
        """Forget all idempotency keys, as after 24 hours."""
        return {"forgotten": self._scope().store.execute("DELETE FROM answers")}

    def settle(self, target: str, given: Settings) -> JsonObject:
        """End a processing intent: `{"outcome": "succeeded" | "failed"}`."""
        outcome = given.get("outcome")
        return self._act(
            lambda scope: paying.settle_debit(scope, scope.get("payment_intent", target), outcome)
        )

    def three_ds(self, target: str, given: Settings) -> JsonObject:
        """End a 3-D Secure challenge: `{"passed": true | false}`."""
        passed = bool(given.get("passed", True))
        return self._act(
            lambda scope: paying.authenticate(
                scope, scope.get("payment_intent", target), passed=passed
            )
        )

    def settle_refund(self, target: str, given: Settings) -> JsonObject:
        """End a refund: `{"outcome": "succeeded" | "failed" | "insufficient_funds"}`."""
        outcome = given.get("outcome")
        return self._act(lambda scope: refunds.advance(scope, scope.get("refund", target), outcome))

    def book_charge(self, target: str, given: Settings) -> JsonObject:
        """Bring a captured charge to the balance now: its fee becomes known."""
        return self._act(lambda scope: charges.book(scope, scope.get("charge", target)))

    def onboard(self, target: str, given: Settings) -> JsonObject:
        """Finish an account's onboarding, or stop its transfers: `{"ready": true | false}`."""
        ready = bool(given.get("ready", True))
        return self._act(
            lambda scope: connect.onboard(scope, scope.get("account", target), ready=ready)
        )

    def reject(self, target: str, given: Settings) -> JsonObject:
        """Reject an account for good: `{"reason"}`, such as fraud."""
        reason = given.get("reason", "other")
        return self._act(
            lambda scope: connect.reject(scope, scope.get("account", target), reason=reason)
        )

    def deauthorize(self, target: str, given: Settings) -> JsonObject:
        """Take the platform's access to an account away."""
        return self._act(lambda scope: connect.deauthorize(scope, scope.get("account", target)))

    def refuse_payout(self, target: str, given: Settings) -> JsonObject:
        """Let the bank of an account's owner refuse a payout: `{"amount", "code"}`."""
        amount, code = given.get("amount", 1000), given.get("code", "account_closed")
        return self._act(
            lambda scope: bank_payouts.refuse(
                scope, scope.get("account", target), amount=amount, code=code
            )
        )

    def reverse_transfer(self, target: str, given: Settings) -> JsonObject:
        """Take a transfer back, as in the dashboard: `{"amount"}`, else all of it."""
        return self._act(lambda scope: transfers.create_reversal(scope, target, given))

    def pay_out(self, target: str, given: Settings) -> JsonObject:
        """Pay the platform out to its bank: `{"amount", "fee", "currency"}`."""
        return self._act(lambda scope: bank_payouts.pay_out(scope, given))

    def fail_payout(self, target: str, given: Settings) -> JsonObject:
        """Let a payout of the platform's come back from its bank, or be `{"canceled": true}`."""
        canceled = bool(given.get("canceled", False))
        return self._act(
            lambda scope: bank_payouts.fail(scope, scope.get("payout", target), canceled=canceled)
        )

    def move_balance(self, target: str, given: Settings) -> JsonObject:
        """Let Stripe move money by itself: `{"type", "amount", "fee", "currency", "description",
        "category", "source"}`, such as a `stripe_fee` or a `topup`."""
        return self._act(lambda scope: balance.move(scope, given))

    def limit_balance(self, target: str, given: Settings) -> JsonObject:
        """Say how much can still leave: `{"available"}` in minor units, null: no limit. Refunds
        beyond it are refused, or wait with `{"refunds_wait": true}`."""
        available, waits = given.get("available"), bool(given.get("refunds_wait", False))
        return self._act(lambda scope: balance.limit(scope, available, refunds_wait=waits))

    def set_up_platform(self, target: str, given: Settings) -> JsonObject:
        """Say where the platform's own account is, or how often it is paid out to its bank:
        `{"country", "interval"}`."""
        return self._act(lambda scope: platform.set_up(scope, given))

    def open_dispute(self, target: str, given: Settings) -> JsonObject:
        """Dispute a charge: `{"charge" or "payment_intent", "reason", "amount", "inquiry"}`."""
        return self._act(lambda scope: _open_dispute(scope, given))

    def appeal_dispute(self, target: str, given: Settings) -> JsonObject:
        """Appeal against a lost dispute."""
        return self._act(lambda scope: disputes.appeal(scope, scope.get("dispute", target)))

    def close_dispute(self, target: str, given: Settings) -> JsonObject:
        """End a dispute: `{"status": "won" | "lost"}`."""
        verdict = given.get("status")
        if verdict not in {"won", "lost"}:
            raise ValueError("status must be won or lost")
        return self._act(
            lambda scope: disputes.settle(scope, scope.get("dispute", target), verdict)
        )

    def _act(self, act: Callable[[Scope], JsonObject]) -> JsonObject:
        scope = self._scope()
        with scope.store.transaction():
            return act(scope)


def _resend(scope: Scope, target: str) -> JsonObject:
    event = scope.get("event", target)
    scope.queue(event["id"], event["type"])
    return event


def _open_dispute(scope: Scope, given: Settings) -> JsonObject:
    if "charge" in given:
        charge = scope.get("charge", given["charge"])
    elif "payment_intent" in given:
        intent = scope.get("payment_intent", given["payment_intent"])
        charge = scope.get("charge", intent["latest_charge"] or "")
    else:
        raise missing_parameter("charge")
    return disputes.open_dispute(
        scope,
        charge,
        reason=given.get("reason", "fraudulent"),
        amount=given.get("amount"),
        inquiry=bool(given.get("inquiry", False)),
    )
