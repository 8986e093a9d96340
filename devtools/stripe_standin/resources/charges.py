"""Charges: what a confirmed payment intent leaves behind, paid or failed."""

from typing import Any

from devtools.stripe_standin.cards import BANK_FAILURES, DECLINES, Behaviour
from devtools.stripe_standin.errors import JsonObject
from devtools.stripe_standin.ids import new_id
from devtools.stripe_standin.params import Params, merge_metadata
from devtools.stripe_standin.resources import balance
from devtools.stripe_standin.resources.payment_methods import billing_details
from devtools.stripe_standin.scope import Scope


def retrieve(scope: Scope, target: str, params: Params) -> JsonObject:
    """`GET /v1/charges/{id}`."""
    return scope.get("charge", target, "id")


def update(scope: Scope, target: str, params: Params) -> JsonObject:
    """`POST /v1/charges/{id}`: description, receipt address and metadata."""
    charge = scope.get("charge", target, "id")
    for field in ("description", "receipt_email", "transfer_group", "customer"):
        if field in params:
            charge[field] = params[field] or None
    charge["metadata"] = merge_metadata(charge["metadata"], params.get("metadata"))
    scope.emit("charge.updated", charge)
    return scope.put(charge)


def open_charge(
    scope: Scope, intent: JsonObject, method: JsonObject, made: Behaviour, *, authenticated: bool
) -> JsonObject:
    """A new charge for the whole intent, neither paid nor failed yet; not stored."""
    return {
        "id": new_id("ch" if made.kind == "card" else "py"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": 0,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": method["billing_details"] or billing_details(None),
        "calculated_statement_descriptor": "STRIPE STAND-IN",
        "captured": False,
        "created": scope.now(),
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "fraud_details": {},
        "livemode": False,
        "metadata": dict(intent["metadata"]),
        "on_behalf_of": None,
        "outcome": None,
        "paid": False,
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": _method_details(intent, method, made, authenticated),
        "radar_options": {},
        "receipt_email": intent["receipt_email"],
        "receipt_number": None,
        "receipt_url": None,
        "refunded": False,
        "review": None,
        "shipping": intent["shipping"],
        "source": None,
        "source_transfer": None,
        "statement_descriptor": intent["statement_descriptor"],
        "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
        "status": "pending",
        "transfer_data": None,
        "transfer_group": intent["transfer_group"],
    }


def approve(scope: Scope, charge: JsonObject, made: Behaviour, *, captured: bool) -> None:
    """The issuer said yes: mark the charge paid and store it."""
    charge["status"] = "succeeded"
    charge["paid"] = True
    charge["receipt_url"] = f"{scope.config.base_url}/receipts/{charge['id']}"
    charge["outcome"] = _outcome(made, approved=True)
    if captured:
        capture(scope, charge, charge["amount"])
    scope.put(charge)
    scope.emit("charge.succeeded", charge)


def capture(scope: Scope, charge: JsonObject, amount: int) -> None:
    """Take the money of an approved charge, unstored; what is not captured is given back.

    It comes to the balance a while later, as by Stripe's asynchronous capture, its default: until
    then the charge has no balance transaction. That of a bank debit is there from its beginning.
    """
    charge["captured"] = True
    charge["amount_captured"] = amount
    if charge["balance_transaction"] is None:
        scope.later("book_charge", charge["id"])


def book(scope: Scope, charge: JsonObject) -> JsonObject:
    """The captured money comes to the balance, less the fee."""
    if charge["balance_transaction"] is not None:
        return charge
    charge["balance_transaction"] = _move(scope, charge, charge["amount_captured"])
    scope.put(charge)
    scope.emit("charge.updated", charge, {"balance_transaction": None})
    return charge


def book_debit(scope: Scope, charge: JsonObject) -> None:
    """A bank debit is pending in the balance, less the fee, from its beginning; unstored."""
    charge["balance_transaction"] = _move(scope, charge, charge["amount"])


def _move(scope: Scope, charge: JsonObject, amount: int) -> str:
    is_card = charge["payment_method_details"]["type"] == "card"
    moved = balance.book(
        scope,
        charge,
        kind="charge" if is_card else "payment",
        category="charge",
        amount=amount,
        fee=balance.processing_fee(amount),
        description=charge["description"],
        waits=True,
    )
    identifier: str = moved["id"]
    return identifier


def decline(scope: Scope, charge: JsonObject, made: Behaviour, reason: str) -> JsonObject:
    """The issuer said no: store the failed charge; the fields of Stripe's card error."""
    code, decline_code, message = DECLINES[reason]
    charge["status"] = "failed"
    charge["failure_code"] = code
    charge["failure_message"] = message
    charge["outcome"] = _outcome(made, approved=False, reason=decline_code or code)
    scope.put(charge)
    scope.emit("charge.failed", charge)
    error: JsonObject = {"code": code, "message": message}
    if decline_code:
        error["decline_code"] = decline_code
    return error


def return_debit(scope: Scope, charge: JsonObject, settlement: str) -> JsonObject:
    """A bank debit came back, and leaves the balance again with its fee: store the failed charge;
    the fields of the intent's error."""
    code, message = BANK_FAILURES.get(settlement, BANK_FAILURES["failed"])
    charge.update(status="failed", paid=False, failure_code=code, failure_message=message)
    moved = balance.book(
        scope,
        charge,
        kind="payment_failure_refund",
        category="charge_failure",
        amount=-charge["amount"],
        fee=-balance.processing_fee(charge["amount"]),
        waits=True,
    )
    charge["failure_balance_transaction"] = moved["id"]
    scope.put(charge)
    scope.emit("charge.failed", charge)
    return {"code": "payment_intent_payment_attempt_failed", "message": message}


def _outcome(made: Behaviour, *, approved: bool, reason: str | None = None) -> dict[str, Any]:
    blocked = made.risk == "highest"
    score = {"normal": 20, "elevated": 70, "highest": 95}[made.risk]
    outcome: dict[str, Any] = {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "approved_by_network",
        "reason": None,
        "risk_level": made.risk,
        "risk_score": score,
        "seller_message": "Payment complete.",
        "type": "authorized",
    }
    if not approved:
        outcome.update(
            network_status="not_sent_to_network" if blocked else "declined_by_network",
            reason="highest_risk_level" if blocked else reason,
            seller_message="The bank did not return any further details with this decline.",
            type="blocked" if blocked else "issuer_declined",
        )
    return outcome


def _method_details(
    intent: JsonObject, method: JsonObject, made: Behaviour, authenticated: bool
) -> JsonObject:
    if made.kind != "card":
        return {made.kind: {**method[made.kind], "mandate": None}, "type": made.kind}
    card = method["card"]
    return {
        "card": {
            "amount_authorized": intent["amount"],
            "authorization_code": "123456",
            "brand": card["brand"],
            "checks": {**card["checks"], "cvc_check": made.cvc_check},
            "country": card["country"],
            "exp_month": card["exp_month"],
            "exp_year": card["exp_year"],
            "extended_authorization": {"status": "disabled"},
            "fingerprint": card["fingerprint"],
            "funding": card["funding"],
            "incremental_authorization": {"status": "unavailable"},
            "installments": None,
            "last4": card["last4"],
            "mandate": None,
            "multicapture": {"status": "unavailable"},
            "network": card["brand"],
            "network_token": {"used": False},
            "overcapture": {"maximum_amount_capturable": intent["amount"], "status": "unavailable"},
            "regulated_status": "unregulated",
            "three_d_secure": _three_d_secure() if authenticated else None,
            "wallet": None,
        },
        "type": "card",
    }


def _three_d_secure() -> JsonObject:
    return {
        "authentication_flow": "challenge",
        "electronic_commerce_indicator": "05",
        "exemption_indicator": None,
        "result": "authenticated",
        "result_reason": None,
        "version": "2.2.0",
    }
