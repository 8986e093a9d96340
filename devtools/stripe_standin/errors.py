"""Stripe's errors: type, code, message and status as its API answers them.

https://docs.stripe.com/api/errors and https://docs.stripe.com/error-codes
"""

from typing import Any

JsonObject = dict[str, Any]

DOCUMENTATION = "https://stripe.com/docs/error-codes/"


class ApiError(Exception):
    """A refusal in Stripe's shape. `keep` says that what was done so far stays done."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        keep: bool = False,
        **extra: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.keep = keep
        fields = {"code": code, "message": message, "param": param, "type": kind, **extra}
        self.fields: JsonObject = {key: fields[key] for key in sorted(fields) if fields[key]}
        if code:
            self.fields["doc_url"] = doc_url(code)

    @property
    def body(self) -> JsonObject:
        """The JSON answer: `{"error": {...}}`."""
        return {"error": self.fields}


def doc_url(code: str) -> str:
    """Where Stripe documents this error code."""
    return DOCUMENTATION + code.replace("_", "-")


def missing_parameter(name: str) -> ApiError:
    """A required parameter was left out."""
    return ApiError(f"Missing required param: {name}.", code="parameter_missing", param=name)


def no_such(kind: str, identifier: str, param: str) -> ApiError:
    """The object does not exist (404)."""
    label = "PaymentMethod" if kind == "payment_method" else kind
    return ApiError(
        f"No such {label}: '{identifier}'", status=404, code="resource_missing", param=param
    )


def account_unknown(identifier: str) -> ApiError:
    """There is no such connected account, or it isn't this platform's (403, not 404)."""
    return ApiError(
        f"The provided key does not have access to account '{identifier}' (or that account does "
        "not exist). Application access may have been revoked.",
        status=403,
        code="account_invalid",
    )


def unexpected_state(message: str, intent: JsonObject) -> ApiError:
    """The payment intent's status does not allow this."""
    return ApiError(message, code="payment_intent_unexpected_state", payment_intent=intent)


def unknown_url(method: str, path: str) -> ApiError:
    """No operation has this path."""
    return ApiError(
        f"Unrecognized request URL ({method}: {path}). Please see https://stripe.com/docs or we "
        "can help at https://support.stripe.com/.",
        status=404,
    )


def missing_key() -> ApiError:
    """The request carries no API key."""
    return ApiError(
        "You did not provide an API key. You need to provide your API key in the Authorization "
        "header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See "
        "https://stripe.com/docs/api#authentication for details, or we can help at "
        "https://support.stripe.com/.",
        status=401,
    )


def invalid_key(key: str) -> ApiError:
    """The API key is not one of ours; only its two ends are repeated."""
    shown = key if len(key) < 16 else f"{key[:8]}{'*' * (len(key) - 12)}{key[-4:]}"
    return ApiError(f"Invalid API Key provided: {shown}", status=401)


def secret_key_required() -> ApiError:
    """A publishable key may not call this."""
    return ApiError(
        "This API call cannot be made with a publishable API key. Please use a secret API key. "
        "You can find a list of your API keys at https://dashboard.stripe.com/account/apikeys.",
        status=403,
        code="secret_key_required",
    )


def permission_missing(operation: str) -> ApiError:
    """A restricted key that may not call this (403)."""
    group, _, action = operation.partition(".")
    what = group.removesuffix("s")
    kind = "read" if action in {"retrieve", "list", "refunds"} else "write"
    return ApiError(
        "The provided key 'rk_test_***' does not have the required permissions for this endpoint "
        f"on account 'acct_1StandInPlatform00'. Enabling \"{what.title()} {kind.title()}\" "
        f"('{what}_{kind}') permissions on this key would allow this request to continue.",
        status=403,
    )


def internal_error(status: int) -> ApiError:
    """Something went wrong on Stripe's side (5xx)."""
    return ApiError(
        "Sorry, something went wrong. We've already been notified of the problem, but if you need "
        "any additional help, you can reach us at support@stripe.com.",
        status=status,
        kind="api_error",
    )


def key_reused(key: str, *, other_endpoint: str | None) -> ApiError:
    """An idempotency key was used before with other parameters or at another endpoint."""
    if other_endpoint:
        message = (
            "Keys for idempotent requests can only be used for the same endpoint they were first "
            f"used for ('{other_endpoint}'). Try using a key other than '{key}' if you meant to "
            "execute a different request."
        )
    else:
        message = (
            "Keys for idempotent requests can only be used with the same parameters they were "
            f"first used with. Try using a key other than '{key}' if you meant to execute a "
            "different request."
        )
    return ApiError(message, kind="idempotency_error")


def key_in_use(key: str) -> ApiError:
    """A request with this idempotency key is still under way."""
    return ApiError(
        "There is currently another in-progress request using this Idempotent Key (that probably "
        "means you submitted twice, and the other request is still going through): "
        f"{key}. Please try again later.",
        status=409,
        kind="idempotency_error",
        code="idempotency_key_in_use",
    )
