"""Transfers to connected accounts, and their reversals.

https://docs.stripe.com/connect/separate-charges-and-transfers
"""

from devtools.stripe_standin.currencies import checked_currency
from devtools.stripe_standin.errors import ApiError, JsonObject, missing_parameter, no_such
from devtools.stripe_standin.ids import new_id
from devtools.stripe_standin.params import Params, merge_metadata
from devtools.stripe_standin.resources import balance, connect, platform
from devtools.stripe_standin.scope import Scope


def create(scope: Scope, target: str, params: Params) -> JsonObject:
    """`POST /v1/transfers`. Raises `ApiError` (400) for an account that can't take it, or for more
    than is available."""
    for name in ("amount", "currency", "destination"):
        if name not in params:
            raise missing_parameter(name)
    if params["amount"] < 1:
        raise ApiError(
            "This value must be greater than or equal to 1.",
            code="parameter_invalid_integer",
            param="amount",
        )
    account = scope.require("account", params["destination"], "destination")
    if scope.store.traits(account["id"]).get("is_gone"):
        fault = no_such("destination", account["id"], "destination")
        fault.status = 400
        raise fault
    if account["capabilities"].get("transfers") != "active":
        raise ApiError(
            "Your destination account needs to have at least one of the following capabilities "
            "enabled: transfers, crypto_transfers, legacy_payments",
            code="insufficient_capabilities_for_transfer",
        )
    _check_border(scope, account)
    balance.take(scope, params["amount"])
    transfer = _shape(scope, params)
    moved = balance.book(
        scope, transfer, kind="transfer", category="transfer", amount=-transfer["amount"]
    )
    transfer["balance_transaction"] = moved["id"]
    scope.put(transfer)
    scope.emit("transfer.created", transfer)
    return transfer


def _check_border(scope: Scope, account: JsonObject) -> None:
    """Under the full agreement money crosses only the borders within one region."""
    home, country = platform.country(scope), account["country"]
    if connect.is_recipient(account) or home == country or {home, country} <= platform.REGION:
        return
    raise ApiError(
        f"Funds can't be sent to accounts located in {country} when the account is under the "
        "`full` service agreement. To learn more, see "
        "https://stripe.com/docs/connect/service-agreement-types."
    )


def retrieve(scope: Scope, target: str, params: Params) -> JsonObject:
    """`GET /v1/transfers/{id}`."""
    return scope.get("transfer", target, "transfer")


def update(scope: Scope, target: str, params: Params) -> JsonObject:
    """`POST /v1/transfers/{id}`: description and metadata."""
    transfer = scope.get("transfer", target, "transfer")
    if "description" in params:
        transfer["description"] = params["description"] or None
    transfer["metadata"] = merge_metadata(transfer["metadata"], params.get("metadata"))
    scope.put(transfer)
    scope.emit("transfer.updated", transfer)
    return transfer


def create_reversal(scope: Scope, target: str, params: Params) -> JsonObject:
    """`POST /v1/transfers/{id}/reversals`: all that is left, or a part of it."""
    transfer = scope.get("transfer", target, "transfer")
    left = transfer["amount"] - transfer["amount_reversed"]
    amount = params.get("amount", left)
    if left == 0 or not 1 <= amount <= left:
        raise ApiError(
            f"Transfer {transfer['id']} can be reversed by at most {left}.", param="amount"
        )
    reversal: JsonObject = {
        "id": new_id("trr"),
        "object": "transfer_reversal",
        "amount": amount,
        "balance_transaction": None,
        "created": scope.now(),
        "currency": transfer["currency"],
        "destination_payment_refund": None,
        "metadata": merge_metadata({}, params.get("metadata")),
        "source_refund": None,
        "transfer": transfer["id"],
    }
    moved = balance.book(
        scope, reversal, kind="transfer_refund", category="transfer_reversal", amount=amount
    )
    reversal["balance_transaction"] = moved["id"]
    scope.put(reversal)
    transfer["amount_reversed"] += amount
    transfer["reversed"] = transfer["amount_reversed"] == transfer["amount"]
    listed = transfer["reversals"]
    # Newest first, and as many as an object holds of a list.
    listed["data"] = [reversal, *listed["data"]][:10]
    listed["total_count"] += 1
    listed["has_more"] = listed["total_count"] > len(listed["data"])
    scope.put(transfer)
    scope.emit("transfer.reversed", transfer)
    return reversal


def _shape(scope: Scope, params: Params) -> JsonObject:
    identifier = new_id("tr")
    return {
        "id": identifier,
        "object": "transfer",
        "amount": params["amount"],
        "amount_reversed": 0,
        "balance_transaction": None,
        "created": scope.now(),
        "currency": checked_currency(params["currency"]),
        "description": params.get("description") or None,
        "destination": params["destination"],
        "destination_payment": new_id("py"),
        "livemode": False,
        "metadata": merge_metadata({}, params.get("metadata")),
        "reversals": {
            "object": "list",
            "data": [],
            "has_more": False,
            "total_count": 0,
            "url": f"/v1/transfers/{identifier}/reversals",
        },
        "reversed": False,
        "source_transaction": params.get("source_transaction"),
        "source_type": params.get("source_type", "card"),
        "transfer_group": params.get("transfer_group") or None,
    }
