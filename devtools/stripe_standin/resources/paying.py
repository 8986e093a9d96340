"""What happens when a payment intent is paid: charge, decline, 3-D Secure, bank debits.

The states are those of https://docs.stripe.com/payments/paymentintents/lifecycle
"""

from devtools.stripe_standin.cards import Behaviour
from devtools.stripe_standin.errors import ApiError, JsonObject, doc_url, unexpected_state
from devtools.stripe_standin.ids import new_id, random_text
from devtools.stripe_standin.params import Params
from devtools.stripe_standin.resources import charges, refunds
from devtools.stripe_standin.resources.payment_methods import behaviour_of
from devtools.stripe_standin.scope import Scope

_CONFIRMABLE = ("requires_payment_method", "requires_confirmation", "requires_action")


def check_confirmable(intent: JsonObject) -> None:
    """Raise `ApiError` (400) unless the intent's status lets it be confirmed."""
    status = intent["status"]
    if status == "succeeded":
        raise unexpected_state(
            "You cannot confirm this PaymentIntent because it has already succeeded after being "
            "previously confirmed.",
            intent,
        )
    if status not in _CONFIRMABLE:
        raise unexpected_state(
            f"You cannot confirm this PaymentIntent because it has a status of {status}. Only a "
            "PaymentIntent with one of the following statuses may be confirmed: "
            "requires_confirmation, requires_action.",
            intent,
        )


def check_type(intent: JsonObject, method: JsonObject) -> None:
    """Raise `ApiError` (400) unless the intent takes this type of payment method."""
    allowed = intent["payment_method_types"]
    if method["type"] in allowed:
        return
    raise ApiError(
        f"The PaymentMethod provided ({method['type']}) is not allowed for this PaymentIntent. "
        "Please attach a PaymentMethod of one of the following types: "
        f"{', '.join(allowed)}. Alternatively update the allowed payment_method_types for this "
        f'PaymentIntent to include "{method["type"]}".',
        code="payment_intent_incompatible_payment_method",
        param="payment_method",
    )


def confirm(scope: Scope, intent: JsonObject, params: Params) -> JsonObject:
    """Try to collect the payment; the intent as it is afterwards.

    Raises `ApiError`: 400 without a payment method, 402 when the payment is declined, with the
    failed attempt kept.
    """
    if intent["payment_method"] is None:
        raise unexpected_state(
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can "
            "either update the PaymentIntent with a payment method and then confirm it again, or "
            "confirm it again directly with a payment method or ConfirmationToken.",
            intent,
        )
    method = scope.get("payment_method", intent["payment_method"])
    made = behaviour_of(scope, method)
    intent.update(last_payment_error=None, next_action=None)
    if made.kind != "card":
        return _start_debit(scope, intent, method, made)
    off_session = bool(params.get("off_session"))
    if made.authentication == "always" or (
        made.authentication == "unless_off_session" and not off_session
    ):
        if off_session or params.get("error_on_requires_action"):
            return _charge(scope, intent, method, made, reason="authentication_required")
        return _ask_for_authentication(scope, intent, params)
    return _charge(scope, intent, method, made, reason=made.decline)


def authenticate(scope: Scope, intent: JsonObject, *, passed: bool) -> JsonObject:
    """End the 3-D Secure challenge; the intent afterwards, never an error.

    Raises `ApiError` (400) when no challenge is open.
    """
    if intent["status"] != "requires_action":
        raise unexpected_state("This PaymentIntent has no open authentication.", intent)
    method = scope.get("payment_method", intent["payment_method"])
    made = behaviour_of(scope, method)
    intent["next_action"] = None
    if not passed:
        error = {
            "code": "payment_intent_authentication_failure",
            "message": "The provided PaymentMethod has failed authentication. You can provide "
            "payment_method_data or a new PaymentMethod to attempt to fulfill this PaymentIntent "
            "again.",
            "type": "invalid_request_error",
        }
        return _fail(scope, intent, method, error)
    try:
        reason = made.decline_after_authentication
        return _charge(scope, intent, method, made, reason=reason, authenticated=True)
    except ApiError:
        return intent


def settle_debit(scope: Scope, intent: JsonObject, settlement: str | None = None) -> JsonObject:
    """Let a processing bank debit end, as its account does or as `settlement` says.

    Raises `ApiError` (400) when the intent isn't processing.
    """
    if intent["status"] != "processing":
        raise unexpected_state("This PaymentIntent is not processing.", intent)
    method = scope.get("payment_method", intent["payment_method"])
    made = behaviour_of(scope, method)
    charge = scope.get("charge", intent["latest_charge"])
    intent["processing"] = None
    if (settlement or made.settlement) == "succeeded":
        return _succeed(scope, intent, charge, made)
    error = charges.return_debit(scope, charge, settlement or made.settlement)
    return _fail(scope, intent, method, {**error, "charge": charge["id"]})


def release(scope: Scope, intent: JsonObject) -> None:
    """Give back what was authorised and never captured."""
    charge = scope.get("charge", intent["latest_charge"])
    refunds.release(scope, charge)


def _charge(
    scope: Scope,
    intent: JsonObject,
    method: JsonObject,
    made: Behaviour,
    *,
    reason: str,
    authenticated: bool = False,
) -> JsonObject:
    charge = charges.open_charge(scope, intent, method, made, authenticated=authenticated)
    scope.store.put_traits(charge["id"], made.as_traits())
    intent["latest_charge"] = charge["id"]
    if not reason:
        return _succeed(scope, intent, charge, made)
    error = charges.decline(scope, charge, made, reason)
    _fail(scope, intent, method, {**error, "charge": charge["id"]})
    shown = dict(intent["last_payment_error"])
    raise ApiError(
        shown.pop("message"),
        status=402,
        kind=shown.pop("type"),
        keep=True,
        payment_intent=intent,
        **shown,
    )


def _succeed(scope: Scope, intent: JsonObject, charge: JsonObject, made: Behaviour) -> JsonObject:
    manual = intent["capture_method"] == "manual"
    charges.approve(scope, charge, made, captured=not manual)
    if manual:
        intent.update(status="requires_capture", amount_capturable=intent["amount"])
        scope.put(intent)
        scope.emit("payment_intent.amount_capturable_updated", intent)
    else:
        intent.update(status="succeeded", amount_received=intent["amount"])
        scope.put(intent)
        scope.emit("payment_intent.succeeded", intent)
    if intent["setup_future_usage"] and intent["customer"]:
        method = scope.get("payment_method", intent["payment_method"])
        scope.put({**method, "customer": intent["customer"]})
    if made.dispute:
        scope.later("open_dispute", charge["id"])
    return intent


def _fail(scope: Scope, intent: JsonObject, method: JsonObject, error: JsonObject) -> JsonObject:
    """Back to needing a payment method, payable again, with the reason on the intent."""
    intent["status"] = "requires_payment_method"
    intent["payment_method"] = None
    intent["last_payment_error"] = {
        "type": "card_error",
        **error,
        "doc_url": doc_url(error["code"]),
        "payment_method": method,
    }
    scope.put(intent)
    scope.emit("payment_intent.payment_failed", intent)
    return intent


def _start_debit(
    scope: Scope, intent: JsonObject, method: JsonObject, made: Behaviour
) -> JsonObject:
    charge = charges.open_charge(scope, intent, method, made, authenticated=False)
    scope.store.put_traits(charge["id"], made.as_traits())
    charges.book_debit(scope, charge)
    scope.put(charge)
    scope.emit("charge.pending", charge)
    intent.update(status="processing", latest_charge=charge["id"])
    scope.put(intent)
    scope.emit("payment_intent.processing", intent)
    if made.settlement != "never":
        scope.later("settle_debit", intent["id"])
    return intent


def _ask_for_authentication(scope: Scope, intent: JsonObject, params: Params) -> JsonObject:
    url = f"{scope.config.base_url}/3ds/{intent['id']}?client_secret={intent['client_secret']}"
    intent["status"] = "requires_action"
    if params.get("return_url"):
        intent["next_action"] = {
            "redirect_to_url": {"return_url": params["return_url"], "url": url},
            "type": "redirect_to_url",
        }
    else:
        intent["next_action"] = {
            "type": "use_stripe_sdk",
            "use_stripe_sdk": {
                "source": new_id("src"),
                "stripe_js": url,
                "three_d_secure_2_source": new_id("src"),
                "transaction_id": random_text(24),
                "type": "three_d_secure_redirect",
            },
        }
    scope.put(intent)
    scope.emit("payment_intent.requires_action", intent)
    return intent
