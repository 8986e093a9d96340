"""Payouts to banks: of the platform's own balance, and those from connected accounts that a bank
refused.

https://docs.stripe.com/payouts and https://docs.stripe.com/connect/payouts-connected-accounts
"""

from typing import Any

from devtools.stripe_standin.errors import ApiError, JsonObject, no_such
from devtools.stripe_standin.ids import new_id
from devtools.stripe_standin.listing import list_objects
from devtools.stripe_standin.params import Params
from devtools.stripe_standin.resources import balance, connect
from devtools.stripe_standin.scope import Scope


def retrieve(scope: Scope, target: str, params: Params) -> JsonObject:
    """`GET /v1/payouts/{id}`: the account's for which the caller acts, or the platform's own."""
    if scope.account is not None:
        connect.require(scope, scope.account)
    if scope.store.traits(target).get("account") != scope.account:
        raise no_such("payout", target, "payout")
    return scope.get("payout", target, "payout")


def list_all(scope: Scope, target: str, params: Params) -> JsonObject:
    """`GET /v1/payouts`: those of the account for which the caller acts, and of nobody else."""
    if scope.account is not None:
        connect.require(scope, scope.account)
    return list_objects(scope, "payout", "/v1/payouts", params, account=scope.account)


def refuse(scope: Scope, account: JsonObject, *, amount: int, code: str) -> JsonObject:
    """The bank of the account's owner refuses a payout."""
    payout = _shape(scope, amount, account["default_currency"]) | _FAILED | {"failure_code": code}
    scope.put(payout)
    scope.store.put_traits(payout["id"], {"account": account["id"]})
    scope.emit("payout.failed", payout, account=account["id"])
    return payout


def pay_out(scope: Scope, given: dict[str, Any]) -> JsonObject:
    """The platform pays itself out to its bank, `instant` for a fee: it is taken at once."""
    amount, fee = int(given["amount"]), int(given.get("fee", 0))
    payout = _shape(scope, amount, given.get("currency", "usd"))
    payout |= {"automatic": False, "method": "instant" if fee else "standard"}
    moved = balance.book(
        scope, payout, kind="payout", category="payout", amount=-amount, fee=fee,
        description="STRIPE PAYOUT",
    )  # fmt: skip
    payout["balance_transaction"] = moved["id"]
    scope.put(payout)
    scope.emit("payout.created", payout)
    return payout


def fail(scope: Scope, payout: JsonObject, *, canceled: bool = False) -> JsonObject:
    """The platform's bank sends a payout back, or it is canceled before: the money is at Stripe
    again. Raises `ApiError` (400) for one that has ended so already."""
    if payout["status"] in {"failed", "canceled"}:
        raise ApiError(f"Payouts in the {payout['status']} state can't end again.")
    kind = "payout_cancel" if canceled else "payout_failure"
    moved = balance.book(
        scope, payout, kind=kind, category="payout_reversal", amount=payout["amount"],
        description="STRIPE PAYOUT CANCEL" if canceled else "STRIPE PAYOUT FAILURE",
    )  # fmt: skip
    payout |= {"status": "canceled"} if canceled else _FAILED
    payout["failure_balance_transaction"] = moved["id"]
    scope.put(payout)
    scope.emit("payout.canceled" if canceled else "payout.failed", payout)
    return payout


_FAILED = {
    "failure_code": "account_closed",
    "failure_message": "The bank account has been closed.",
    "status": "failed",
}


def _shape(scope: Scope, amount: int, currency: str) -> JsonObject:
    return {
        "id": new_id("po"),
        "object": "payout",
        "amount": amount,
        "arrival_date": scope.now(),
        "automatic": True,
        "balance_transaction": None,
        "created": scope.now(),
        "currency": currency,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": {},
        "method": "standard",
        "status": "in_transit",
        "type": "bank_account",
    }
