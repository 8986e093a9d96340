"""Payment methods: made from test ids, test tokens, test card numbers or test bank accounts."""

import time
from typing import Any

from devtools.stripe_standin.cards import (
    BY_ID,
    BY_NUMBER,
    BY_TOKEN,
    DECLINES,
    Behaviour,
    card_shape,
    passes_luhn,
)
from devtools.stripe_standin.errors import ApiError, JsonObject, missing_parameter
from devtools.stripe_standin.ids import new_id
from devtools.stripe_standin.params import Params, merge_metadata
from devtools.stripe_standin.scope import Scope

BILLING_FIELDS = ("city", "country", "line1", "line2", "postal_code", "state")


def create(scope: Scope, target: str, params: Params) -> JsonObject:
    """`POST /v1/payment_methods`."""
    return from_details(scope, params)


def retrieve(scope: Scope, target: str, params: Params) -> JsonObject:
    """`GET /v1/payment_methods/{id}`; a test id such as `pm_card_visa` makes a new one."""
    return _from_path(scope, target)


def update(scope: Scope, target: str, params: Params) -> JsonObject:
    """`POST /v1/payment_methods/{id}`: billing details, expiry and metadata."""
    method = scope.get("payment_method", target, "payment_method")
    if "billing_details" in params:
        method["billing_details"] = billing_details(params["billing_details"])
    if "card" in params and method["type"] == "card":
        method["card"].update(
            {key: params["card"][key] for key in ("exp_month", "exp_year") if key in params["card"]}
        )
    method["metadata"] = merge_metadata(method["metadata"], params.get("metadata"))
    scope.emit("payment_method.updated", method)
    return scope.put(method)


def attach(scope: Scope, target: str, params: Params) -> JsonObject:
    """`POST /v1/payment_methods/{id}/attach`: save it for a customer."""
    if "customer" not in params:
        raise missing_parameter("customer")
    scope.require("customer", params["customer"], "customer")
    method = _from_path(scope, target)
    method["customer"] = params["customer"]
    scope.emit("payment_method.attached", method)
    return scope.put(method)


def detach(scope: Scope, target: str, params: Params) -> JsonObject:
    """`POST /v1/payment_methods/{id}/detach`."""
    method = scope.get("payment_method", target, "payment_method")
    if method["customer"] is None:
        raise ApiError(
            "The payment method you provided is not attached to a customer so detachment is "
            "impossible."
        )
    customer, method["customer"] = method["customer"], None
    scope.emit("payment_method.detached", method, {"customer": customer})
    return scope.put(method)


def resolve(scope: Scope, identifier: str, param: str = "payment_method") -> JsonObject:
    """The payment method with this id; a test id is turned into a new one, as Stripe does."""
    behaviour = BY_ID.get(identifier)
    if behaviour is None:
        return scope.require("payment_method", identifier, param)
    return scope.put(_shape(scope, behaviour, {}, {}))


def _from_path(scope: Scope, identifier: str) -> JsonObject:
    if identifier in BY_ID:
        return resolve(scope, identifier)
    return scope.get("payment_method", identifier, "payment_method")


def from_details(scope: Scope, params: Params) -> JsonObject:
    """A new payment method from `type` and its details.

    Raises `ApiError` (400, or 402 for a card that can't exist).
    """
    kind = params.get("type")
    if kind is None:
        raise missing_parameter("type")
    if kind == "card":
        behaviour, expiry = _card(scope, params.get("card") or {})
    elif kind in {"us_bank_account", "sepa_debit"}:
        details = params.get(kind) or {}
        number = details.get("account_number") or details.get("iban") or ""
        behaviour, expiry = BY_NUMBER.get(number, Behaviour(kind=kind)), {}
        if behaviour.kind != kind or not behaviour.settlement:
            raise ApiError("The account number is not a test account's.", param=kind)
    else:
        raise ApiError(
            f"The payment method type provided: {kind} is invalid. Please ensure the provided "
            "type is activated in your dashboard and your account is enabled for any preview "
            "features that you are trying to use.",
            param="type",
        )
    return scope.put(_shape(scope, behaviour, params, expiry))


def behaviour_of(scope: Scope, method: JsonObject) -> Behaviour:
    """How this payment method behaves when it is charged."""
    return Behaviour.from_traits(scope.store.traits(method["id"]))


def billing_details(given: Params | None) -> JsonObject:
    """Stripe's billing details, every field present."""
    given = given or {}
    address = given.get("address") or {}
    return {
        "address": {field: address.get(field) or None for field in BILLING_FIELDS},
        "email": given.get("email") or None,
        "name": given.get("name") or None,
        "phone": given.get("phone") or None,
        "tax_id": given.get("tax_id") or None,
    }


def _card(scope: Scope, details: Params) -> tuple[Behaviour, dict[str, int]]:
    if "token" in details:
        behaviour = BY_TOKEN.get(details["token"])
        if behaviour is None:
            raise ApiError(
                f"No such token: '{details['token']}'", code="resource_missing", param="card[token]"
            )
        return behaviour, {}
    for name in ("number", "exp_month", "exp_year"):
        if name not in details:
            raise missing_parameter(f"card[{name}]")
    number = details["number"].replace(" ", "").replace("-", "")
    if not passes_luhn(number):
        raise _card_error("incorrect_number", "card[number]")
    _check_expiry(details["exp_month"], details["exp_year"], today=time.gmtime(scope.now()))
    behaviour = BY_NUMBER.get(number)
    if behaviour is None:
        raise ApiError(
            "Your card was declined. Your request was in test mode, but used a non test (live) "
            "card. For a list of valid test cards, visit: https://stripe.com/docs/testing.",
            status=402,
            kind="card_error",
            code="card_declined",
            decline_code="test_mode_live_card",
            param="card[number]",
        )
    return behaviour, {"exp_month": details["exp_month"], "exp_year": details["exp_year"]}


def _check_expiry(month: int, year: int, *, today: time.struct_time) -> None:
    if not 1 <= month <= 12:
        raise ApiError(
            "Your card's expiration month is invalid.",
            status=402,
            kind="card_error",
            code="invalid_expiry_month",
            param="card[exp_month]",
        )
    full_year = year + 2000 if year < 100 else year
    if (full_year, month) < (today.tm_year, today.tm_mon) or full_year > today.tm_year + 50:
        raise ApiError(
            "Your card's expiration year is invalid.",
            status=402,
            kind="card_error",
            code="invalid_expiry_year",
            param="card[exp_year]",
        )


def _card_error(decline: str, param: str) -> ApiError:
    code, decline_code, message = DECLINES[decline]
    return ApiError(
        message,
        status=402,
        kind="card_error",
        code=code,
        param=param,
        decline_code=decline_code,
    )


def _shape(scope: Scope, made: Behaviour, params: Params, expiry: dict[str, int]) -> JsonObject:
    method: JsonObject = {
        "id": new_id("pm"),
        "object": "payment_method",
        "allow_redisplay": params.get("allow_redisplay", "unspecified"),
        "billing_details": billing_details(params.get("billing_details")),
        made.kind: _details(made, expiry, year=time.gmtime(scope.now()).tm_year),
        "created": scope.now(),
        "customer": None,
        "customer_account": None,
        "livemode": False,
        "metadata": merge_metadata({}, params.get("metadata")),
        "radar_options": {},
        "type": made.kind,
    }
    scope.store.put_traits(method["id"], made.as_traits())
    return method


def _details(made: Behaviour, expiry: dict[str, int], *, year: int) -> dict[str, Any]:
    if made.kind == "card":
        month, until = expiry.get("exp_month", 8), expiry.get("exp_year", year + 1)
        return card_shape(made, month, until + 2000 if until < 100 else until)
    if made.kind == "sepa_debit":
        return {
            "bank_code": made.number[4:12],
            "branch_code": "",
            "country": made.country,
            "fingerprint": "Fp" + made.number[-14:],
            "generated_from": {"charge": None, "setup_attempt": None},
            "last4": made.number[-4:],
        }
    return {
        "account_holder_type": "individual",
        "account_type": "checking",
        "bank_name": "STRIPE TEST BANK",
        "financial_connections_account": None,
        "fingerprint": "Fp" + made.number.rjust(14, "0"),
        "last4": made.number[-4:],
        "networks": {"preferred": "ach", "supported": ["ach"]},
        "routing_number": "110000000",
        "status_details": {},
    }
