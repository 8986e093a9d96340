"""Payment intents: their shape, and the operations Stripe offers on them.

What happens when one is paid is in `paying`.
"""

from devtools.stripe_standin.currencies import check_amount, checked_currency
from devtools.stripe_standin.errors import ApiError, JsonObject, missing_parameter, unexpected_state
from devtools.stripe_standin.ids import client_secret, new_id
from devtools.stripe_standin.params import Params, check_email, check_url, merge_metadata
from devtools.stripe_standin.resources import charges, paying
from devtools.stripe_standin.resources.payment_methods import from_details, resolve
from devtools.stripe_standin.scope import Scope

# Parameters copied onto the intent as they are.
_PLAIN = (
    "description",
    "receipt_email",
    "setup_future_usage",
    "shipping",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_group",
    "payment_method_options",
    "confirmation_method",
    "capture_method",
)
# Parameters of create that speak of the confirmation alone.
_ONLY_WITH_CONFIRM = ("off_session", "return_url", "error_on_requires_action", "mandate_data")
_OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")
_CANCELABLE = (
    "requires_payment_method",
    "requires_capture",
    "requires_confirmation",
    "requires_action",
)
_FIXED_ONCE_PAID = (
    "amount",
    "currency",
    "payment_method",
    "payment_method_data",
    "payment_method_types",
)
# What a publishable key may see of an intent.
_PUBLIC_FIELDS = (
    "id object amount amount_details automatic_payment_methods canceled_at cancellation_reason "
    "capture_method client_secret confirmation_method created currency description "
    "last_payment_error livemode next_action payment_method payment_method_configuration_details "
    "payment_method_types processing receipt_email setup_future_usage shipping source status"
)


def create(scope: Scope, target: str, params: Params) -> JsonObject:
    """`POST /v1/payment_intents`, paid at once with `confirm`."""
    for name in ("amount", "currency"):
        if name not in params:
            raise missing_parameter(name)
    currency = checked_currency(params["currency"])
    check_amount(params["amount"], currency)
    if not params.get("confirm"):
        for name in _ONLY_WITH_CONFIRM:
            if name in params:
                raise ApiError(
                    f"You can only provide `{name}` when `confirm` is set to true.", param=name
                )
    intent = _shape(scope, params, currency)
    _apply(scope, intent, params)
    scope.put(intent)
    scope.emit("payment_intent.created", intent)
    if params.get("confirm"):
        return paying.confirm(scope, intent, params)
    return intent


def retrieve(scope: Scope, target: str, params: Params) -> JsonObject:
    """`GET /v1/payment_intents/{id}`."""
    return _readable(scope, target, params)


def update(scope: Scope, target: str, params: Params) -> JsonObject:
    """`POST /v1/payment_intents/{id}`; what is paid for is fixed once it is."""
    intent = scope.get("payment_intent", target, "intent")
    if intent["status"] not in _OPEN:
        for name in _FIXED_ONCE_PAID:
            if name in params:
                raise unexpected_state(
                    f"This PaymentIntent's {name} could not be updated because it has a status of "
                    f"{intent['status']}. You may only update the {name} of a PaymentIntent with "
                    f"one of the following statuses: {', '.join(_OPEN)}.",
                    intent,
                )
    elif intent["status"] == "requires_action" and set(params) & set(_FIXED_ONCE_PAID):
        intent.update(status="requires_confirmation", next_action=None)
    if "currency" in params:
        intent["currency"] = checked_currency(params["currency"])
    if "amount" in params:
        intent["amount"] = params["amount"]
    check_amount(intent["amount"], intent["currency"])
    _apply(scope, intent, params)
    return scope.put(intent)


def confirm(scope: Scope, target: str, params: Params) -> JsonObject:
    """`POST /v1/payment_intents/{id}/confirm`, with a secret key or as Stripe.js does."""
    intent = _readable(scope, target, params)
    paying.check_confirmable(intent)
    _apply(scope, intent, params)
    return paying.confirm(scope, intent, params)


def cancel(scope: Scope, target: str, params: Params) -> JsonObject:
    """`POST /v1/payment_intents/{id}/cancel`; an authorised charge is given back."""
    intent = scope.get("payment_intent", target, "intent")
    if intent["status"] not in _CANCELABLE:
        raise unexpected_state(
            f"You cannot cancel this PaymentIntent because it has a status of {intent['status']}. "
            "Only a PaymentIntent with one of the following statuses may be canceled: "
            f"{', '.join(_CANCELABLE)}.",
            intent,
        )
    if intent["status"] == "requires_capture":
        paying.release(scope, intent)
    intent.update(
        status="canceled",
        amount_capturable=0,
        canceled_at=scope.now(),
        cancellation_reason=params.get("cancellation_reason"),
        next_action=None,
    )
    scope.put(intent)
    scope.emit("payment_intent.canceled", intent)
    return intent


def capture(scope: Scope, target: str, params: Params) -> JsonObject:
    """`POST /v1/payment_intents/{id}/capture`: take what was authorised, or a part of it."""
    intent = scope.get("payment_intent", target, "intent")
    if intent["status"] != "requires_capture":
        raise unexpected_state(
            "This PaymentIntent could not be captured because it has a status of "
            f"{intent['status']}. Only a PaymentIntent with one of the following statuses may be "
            "captured: requires_capture.",
            intent,
        )
    whole: int = intent["amount_capturable"]
    amount: int = params.get("amount_to_capture", whole)
    if not 1 <= amount <= whole:
        raise ApiError(
            "The amount_to_capture must be greater than 0 and no more than the amount_capturable.",
            code="amount_too_large" if amount > 0 else "parameter_invalid_integer",
            param="amount_to_capture",
        )
    charge = scope.get("charge", intent["latest_charge"])
    charges.capture(scope, charge, amount)
    scope.put(charge)
    scope.emit("charge.captured", charge)
    intent.update(status="succeeded", amount_capturable=0, amount_received=amount)
    scope.put(intent)
    scope.emit("payment_intent.succeeded", intent)
    return intent


def public_view(intent: JsonObject) -> JsonObject:
    """The intent as a publishable key sees it."""
    return {name: intent[name] for name in _PUBLIC_FIELDS.split()}


def _readable(scope: Scope, target: str, params: Params) -> JsonObject:
    if scope.publishable and "client_secret" not in params:
        raise missing_parameter("client_secret")
    intent = scope.get("payment_intent", target, "intent")
    if "client_secret" in params and params["client_secret"] != intent["client_secret"]:
        raise ApiError(
            "The client_secret provided does not match any associated PaymentIntent on this "
            "account. Ensure the publishable key used belongs to the same account that created "
            "the PaymentIntent.",
            code="payment_intent_invalid_parameter",
            param="client_secret",
        )
    return intent


def _apply(scope: Scope, intent: JsonObject, params: Params) -> None:
    """Copy the parameters that create, update and confirm share onto the intent."""
    for name in _PLAIN:
        if name in params:
            intent[name] = params[name] or None
    check_email(params.get("receipt_email", ""), "receipt_email")
    if "return_url" in params:
        check_url(params["return_url"], "return_url")
    intent["metadata"] = merge_metadata(intent["metadata"], params.get("metadata"))
    if params.get("customer"):
        scope.require("customer", params["customer"], "customer")
        intent["customer"] = params["customer"]
    if "payment_method_types" in params:
        _set_types(intent, params)
    if params.get("payment_method_data"):
        method = from_details(scope, params["payment_method_data"])
    elif params.get("payment_method"):
        method = resolve(scope, params["payment_method"])
    else:
        return
    paying.check_type(intent, method)
    intent["payment_method"] = method["id"]
    if intent["status"] == "requires_payment_method":
        intent["status"] = "requires_confirmation"


def _set_types(intent: JsonObject, params: Params) -> None:
    if params.get("automatic_payment_methods"):
        raise ApiError(
            "You may only specify one of these parameters: automatic_payment_methods, "
            "payment_method_types.",
            code="parameters_exclusive",
        )
    intent["payment_method_types"] = params["payment_method_types"]
    intent["automatic_payment_methods"] = None


def _default_types(currency: str) -> list[str]:
    """What the stand-in's account has switched on: cards, and the bank debit of the currency."""
    debit = {"usd": ["us_bank_account"], "eur": ["sepa_debit"]}
    return ["card", *debit.get(currency, [])]


def _shape(scope: Scope, params: Params, currency: str) -> JsonObject:
    identifier = new_id("pi")
    chosen = params.get("automatic_payment_methods") or {}
    automatic = {"allow_redirects": chosen.get("allow_redirects", "always"), "enabled": True}
    return {
        "id": identifier,
        "object": "payment_intent",
        "amount": params["amount"],
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": None if chosen.get("enabled") is False else automatic,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic_async",
        "client_secret": client_secret(identifier),
        "confirmation_method": "automatic",
        "created": scope.now(),
        "currency": currency,
        "customer": None,
        "customer_account": None,
        "description": None,
        "excluded_payment_method_types": None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": {},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {
            "card": {
                "installments": None,
                "mandate_options": None,
                "network": None,
                "request_three_d_secure": "automatic",
            }
        },
        "payment_method_types": _default_types(currency),
        "processing": None,
        "receipt_email": None,
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "source": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "requires_payment_method",
        "transfer_data": None,
        "transfer_group": None,
    }
