"""Refunds: whole or in part, of a charge or of a payment intent's charge."""

import secrets

from devtools.stripe_standin.cards import Behaviour
from devtools.stripe_standin.currencies import written
from devtools.stripe_standin.errors import ApiError, JsonObject
from devtools.stripe_standin.ids import new_id
from devtools.stripe_standin.params import Params, merge_metadata
from devtools.stripe_standin.resources import balance
from devtools.stripe_standin.scope import Scope

# Why a refund is pending for which too little is available, or failed.
_SHORT = "insufficient_funds"


def create(scope: Scope, target: str, params: Params) -> JsonObject:
    """`POST /v1/refunds`. Raises `ApiError` (400) for more than is left to refund."""
    charge = _charge_to_refund(scope, params)
    left = charge["amount_captured"] - charge["amount_refunded"]
    if charge["refunded"] or left <= 0:
        raise ApiError(
            f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded"
        )
    if charge["disputed"] and not _is_refundable(scope, charge):
        raise ApiError(
            f"Charge {charge['id']} has been charged back; cannot issue a refund.",
            code="charge_disputed",
        )
    amount = params.get("amount", left)
    if amount < 1:
        raise ApiError(
            "This value must be greater than or equal to 1.",
            code="parameter_invalid_integer",
            param="amount",
        )
    if amount > left:
        raise _too_much(charge, amount, left)
    return _refund(scope, charge, amount, params)


def retrieve(scope: Scope, target: str, params: Params) -> JsonObject:
    """`GET /v1/refunds/{id}`."""
    return scope.get("refund", target, "id")


def update(scope: Scope, target: str, params: Params) -> JsonObject:
    """`POST /v1/refunds/{id}`: metadata alone."""
    refund = scope.get("refund", target, "id")
    refund["metadata"] = merge_metadata(refund["metadata"], params.get("metadata"))
    scope.put(refund)
    _announce_update(scope, refund)
    return refund


def cancel(scope: Scope, target: str, params: Params) -> JsonObject:
    """`POST /v1/refunds/{id}/cancel`: only while the refund needs action, as Stripe says."""
    refund = scope.get("refund", target, "id")
    if refund["status"] != "requires_action":
        raise ApiError(
            f"This refund cannot be canceled because its status is {refund['status']}. Only "
            "refunds with a status of requires_action can be canceled."
        )
    refund["status"] = "canceled"
    scope.put(refund)
    _give_back(scope, refund)
    _announce_update(scope, refund)
    return refund


def advance(scope: Scope, refund: JsonObject, outcome: str | None = None) -> JsonObject:
    """Let a refund reach its end, as its card does or as `outcome` (succeeded, failed, or
    insufficient_funds, for which one that is pending fails) says."""
    made = Behaviour.from_traits(scope.store.traits(refund["charge"]))
    if refund["status"] in {"failed", "canceled"}:
        return refund
    if outcome == _SHORT and refund["status"] != "pending":
        raise ApiError("Only a pending refund fails for insufficient funds.")
    if refund["pending_reason"] == _SHORT and outcome not in {"failed", _SHORT}:
        # Whatever is done with new ones by now.
        if outcome is None and balance.is_short_of(scope, refund["amount"]):
            # Stripe holds a card's until there is enough, and fails those of other methods.
            if refund["destination_details"]["type"] != "card":
                return advance(scope, refund, _SHORT)
            scope.later("advance_refund", refund["id"])
            return refund
        balance.take(scope, refund["amount"])
        refund["balance_transaction"] = _move(scope, refund, taken=True)
    refund["pending_reason"] = None
    if (outcome or made.refund) in {"failed", _SHORT}:
        refund["status"] = "failed"
        refund["failure_reason"] = _SHORT if outcome == _SHORT else "expired_or_canceled_card"
        if refund["balance_transaction"] is not None:
            refund["failure_balance_transaction"] = _move(scope, refund, taken=False)
        scope.put(refund)
        _give_back(scope, refund)
        scope.emit("refund.failed", refund)
    else:
        refund["status"] = "succeeded"
        card = refund["destination_details"].get("card")
        if card is not None:
            card["reference"] = f"{secrets.randbelow(10**12):012d}"
            card["reference_status"] = "available"
        scope.put(refund)
    _announce_update(scope, refund)
    return refund


def release(scope: Scope, charge: JsonObject) -> JsonObject:
    """Give back an authorised charge that is not captured."""
    return _refund(scope, charge, charge["amount"], {})


def _charge_to_refund(scope: Scope, params: Params) -> JsonObject:
    if "charge" in params:
        charge = scope.require("charge", params["charge"], "charge")
        intent_id = params.get("payment_intent", charge["payment_intent"])
        if intent_id != charge["payment_intent"]:
            raise ApiError("The charge does not belong to the payment_intent.", param="charge")
    elif "payment_intent" in params:
        intent = scope.require("payment_intent", params["payment_intent"], "payment_intent")
        if intent["status"] not in {"succeeded", "requires_capture"}:
            raise ApiError(
                f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund."
            )
        charge = scope.get("charge", intent["latest_charge"])
    else:
        raise ApiError(
            "One of the following params should be provided for this request: payment_intent or "
            "charge.",
            code="parameter_missing",
        )
    if charge["status"] != "succeeded":
        raise ApiError(f"Charge {charge['id']} is not paid and cannot be refunded.", param="charge")
    return charge


def _too_much(charge: JsonObject, amount: int, left: int) -> ApiError:
    asked = written(amount, charge["currency"])
    rest = written(left, charge["currency"])
    whole = "unrefunded amount on charge" if charge["amount_refunded"] else "charge amount"
    return ApiError(f"Refund amount ({asked}) is greater than {whole} ({rest})", param="amount")


def _is_refundable(scope: Scope, charge: JsonObject) -> bool:
    disputes = scope.find("dispute", charge=charge["id"])
    return all(dispute["is_charge_refundable"] for dispute in disputes)


def _refund(scope: Scope, charge: JsonObject, amount: int, params: Params) -> JsonObject:
    made = Behaviour.from_traits(scope.store.traits(charge["id"]))
    waits = made.refund == "pending" or made.kind != "card"
    is_short = charge["captured"] and balance.do_refunds_wait(scope, amount)
    if charge["captured"] and not is_short:
        balance.take(scope, amount)
    refund = _shape(scope, charge, amount, params, "pending" if waits or is_short else "succeeded")
    if refund["status"] == "pending":
        refund["pending_reason"] = _SHORT if is_short else "processing"
    previous = {key: charge[key] for key in ("amount_refunded", "refunded")}
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] >= charge["amount"]
    if not previous["refunded"] and not charge["refunded"]:
        previous.pop("refunded")
    scope.put(charge)
    if charge["captured"] and not is_short:
        refund["balance_transaction"] = _move(scope, refund, taken=True)
    scope.put(refund)
    scope.emit("refund.created", refund)
    scope.emit("charge.refunded", charge, previous)
    scope.later("advance_refund", refund["id"])
    return refund


def _give_back(scope: Scope, refund: JsonObject) -> None:
    """A refund that came to nothing no longer counts on its charge."""
    charge = scope.get("charge", refund["charge"])
    charge["amount_refunded"] -= refund["amount"]
    charge["refunded"] = False
    scope.put(charge)


def _move(scope: Scope, refund: JsonObject, *, taken: bool) -> str:
    """Take the refund from the balance, or bring it back: the balance transaction's id."""
    of_card = refund["destination_details"]["type"] == "card"
    kind = "refund" if of_card else "payment_refund"
    moved = balance.book(
        scope,
        refund,
        kind=kind if taken else f"{kind}_failure" if not of_card else "refund_failure",
        category="refund" if taken else "refund_failure",
        amount=-refund["amount"] if taken else refund["amount"],
    )
    identifier: str = moved["id"]
    return identifier


def _announce_update(scope: Scope, refund: JsonObject) -> None:
    scope.emit("refund.updated", refund)
    scope.emit("charge.refund.updated", refund)


def _shape(
    scope: Scope, charge: JsonObject, amount: int, params: Params, status: str
) -> JsonObject:
    kind = charge["payment_method_details"]["type"]
    details: JsonObject = {"type": kind, kind: {}}
    if kind == "card":
        details["card"] = {
            "reference_status": "pending",
            "reference_type": "acquirer_reference_number",
            "type": "refund" if charge["captured"] else "reversal",
        }
    return {
        "id": new_id("re" if kind == "card" else "pyr"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": scope.now(),
        "currency": charge["currency"],
        "destination_details": details,
        "metadata": merge_metadata({}, params.get("metadata")),
        "payment_intent": charge["payment_intent"],
        "pending_reason": None,
        "reason": params.get("reason"),
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": status,
        "transfer_reversal": None,
    }
