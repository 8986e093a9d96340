"""Payouts from connected accounts to their owners' banks: those that a bank refused.

https://docs.stripe.com/connect/payouts-connected-accounts
"""

from devtools.stripe_standin.errors import JsonObject, no_such
from devtools.stripe_standin.ids import new_id
from devtools.stripe_standin.listing import list_objects
from devtools.stripe_standin.params import Params
from devtools.stripe_standin.resources import connect
from devtools.stripe_standin.scope import Scope


def retrieve(scope: Scope, target: str, params: Params) -> JsonObject:
    """`GET /v1/payouts/{id}`: the account's for which the caller acts, and nobody else's."""
    if scope.account is not None:
        connect.require(scope, scope.account)
    if scope.account is None or scope.store.traits(target).get("account") != scope.account:
        raise no_such("payout", target, "payout")
    return scope.get("payout", target, "payout")


def list_all(scope: Scope, target: str, params: Params) -> JsonObject:
    """`GET /v1/payouts`: those of the account for which the caller acts, and of nobody else."""
    if scope.account is not None:
        connect.require(scope, scope.account)
    return list_objects(scope, "payout", "/v1/payouts", params, account=scope.account)


def refuse(scope: Scope, account: JsonObject, *, amount: int, code: str) -> JsonObject:
    """The bank of the account's owner refuses a payout."""
    payout: JsonObject = {
        "id": new_id("po"),
        "object": "payout",
        "amount": amount,
        "arrival_date": scope.now(),
        "automatic": True,
        "created": scope.now(),
        "currency": account["default_currency"],
        "failure_code": code,
        "failure_message": "The bank account has been closed.",
        "livemode": False,
        "metadata": {},
        "method": "standard",
        "status": "failed",
        "type": "bank_account",
    }
    scope.put(payout)
    scope.store.put_traits(payout["id"], {"account": account["id"]})
    scope.emit("payout.failed", payout, account=account["id"])
    return payout
