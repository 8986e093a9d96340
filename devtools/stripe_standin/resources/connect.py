"""Connected accounts and the links by which their owners are onboarded.

https://docs.stripe.com/connect/express-accounts and, for who may have which agreement and
capabilities, https://docs.stripe.com/connect/service-agreement-types
"""

from devtools.stripe_standin.errors import ApiError, JsonObject, account_unknown, missing_parameter
from devtools.stripe_standin.ids import new_id, random_text
from devtools.stripe_standin.params import Params, check_email, check_url, merge_metadata
from devtools.stripe_standin.resources import platform
from devtools.stripe_standin.scope import Scope

_LINK_SECONDS = 300
_APPLICATION = "ca_StandInPlatform00"
_NEEDED = [
    "external_account",
    "individual.first_name",
    "individual.last_name",
    "tos_acceptance.date",
]
_PLAIN = ("business_type", "country", "default_currency", "email")


def create(scope: Scope, target: str, params: Params) -> JsonObject:
    """`POST /v1/accounts`: of a type or, as Stripe advises now, of controller properties."""
    if params.get("type") and params.get("controller"):
        raise ApiError("You may only specify one of these parameters: type, controller.")
    account = _shape(scope, params)
    _apply(account, params)
    _check_agreement(scope, account)
    return scope.put(account)


def _check_agreement(scope: Scope, account: JsonObject) -> None:
    """Refuse the agreement or the capabilities that an account in this country can't have."""
    home, country = platform.country(scope), account["country"]
    wanted = account["capabilities"].keys()
    if is_recipient(account):
        if home != "US" or country == "US":
            raise ApiError(
                f"The recipient ToS agreement is not supported for platforms in {home} creating "
                f"accounts in {country}. See https://stripe.com/docs/connect/cross-border-payouts "
                "for more details."
            )
        if wanted - {"transfers"}:
            raise ApiError(
                "Accounts under the recipient service agreement can only request the `transfers` "
                "capability. See https://stripe.com/docs/connect/service-agreement-types.",
                param="capabilities",
            )
    elif "transfers" in wanted and "card_payments" not in wanted:
        raise ApiError(
            "Your platform needs approval for accounts to have requested the `transfers` "
            "capability without the `card_payments` capability. If you would like to request "
            "transfers without card_payments, please contact us via "
            "https://support.stripe.com/contact."
        )
    elif country not in platform.CAN_CHARGE:
        raise ApiError(f"{country} is not currently supported by Stripe.", param="country")


def is_recipient(account: JsonObject) -> bool:
    """Whether it is under the recipient agreement; of the full one Stripe doesn't speak."""
    return bool(account["tos_acceptance"].get("service_agreement") == "recipient")


def require(scope: Scope, identifier: str) -> JsonObject:
    """The account; raises `ApiError` (403 `account_invalid`) when there is none, or we may not."""
    account = scope.store.get(identifier)
    is_there = account is not None and account["object"] == "account"
    if account is None or not is_there or scope.store.traits(identifier).get("is_gone"):
        raise account_unknown(identifier)
    return account


def retrieve(scope: Scope, target: str, params: Params) -> JsonObject:
    """`GET /v1/accounts/{id}`."""
    return require(scope, target)


def update(scope: Scope, target: str, params: Params) -> JsonObject:
    """`POST /v1/accounts/{id}`: e-mail, metadata, capabilities and the like."""
    account = require(scope, target)
    _apply(account, params)
    scope.put(account)
    scope.emit("account.updated", account, account=account["id"])
    return account


def create_link(scope: Scope, target: str, params: Params) -> JsonObject:
    """`POST /v1/account_links`: the page where the account's owner gives their details."""
    for name in ("account", "type"):
        if name not in params:
            raise missing_parameter(name)
    account = require(scope, params["account"])
    for name in ("refresh_url", "return_url"):
        if name not in params:
            raise missing_parameter(name)
        check_url(params[name], name)
    token = random_text(24)
    scope.store.put_traits(
        token, {"account": account["id"], "return_url": str(params["return_url"])}
    )
    return {
        "object": "account_link",
        "created": scope.now(),
        "expires_at": scope.now() + _LINK_SECONDS,
        "url": f"{scope.config.base_url}/onboarding/{token}",
    }


def onboard(scope: Scope, account: JsonObject, *, ready: bool = True) -> JsonObject:
    """The owner gave all that was asked (`ready`), or Stripe asks for more and transfers stop."""
    account["details_submitted"] = True
    account["payouts_enabled"] = ready
    account["charges_enabled"] = ready and "card_payments" in account["capabilities"]
    account["capabilities"] = dict.fromkeys(
        account["capabilities"], "active" if ready else "inactive"
    )
    account["requirements"] = _requirements([] if ready else ["individual.verification.document"])
    scope.put(account)
    scope.emit("account.updated", account, account=account["id"])
    return account


def reject(scope: Scope, account: JsonObject, *, reason: str) -> JsonObject:
    """Stripe, or the platform in the dashboard, rejects it for good."""
    onboard(scope, account, ready=False)
    account["requirements"] = _requirements([]) | {"disabled_reason": f"rejected.{reason}"}
    scope.put(account)
    scope.emit("account.updated", account, account=account["id"])
    return account


def deauthorize(scope: Scope, account: JsonObject) -> JsonObject:
    """Its owner takes the platform's access away, or closes it: we may not look at it any more."""
    scope.store.put_traits(account["id"], {"is_gone": True})
    application = {"id": _APPLICATION, "object": "application", "name": "LearnFlow"}
    scope.emit("account.application.deauthorized", application, account=account["id"])
    return account


def _apply(account: JsonObject, params: Params) -> None:
    check_email(params.get("email", ""), "email")
    for name in _PLAIN:
        if name in params:
            account[name] = params[name] or None
    for name, wanted in (params.get("capabilities") or {}).items():
        if wanted.get("requested") in (True, "true"):
            account["capabilities"].setdefault(name, "inactive")
    account["metadata"] = merge_metadata(account["metadata"], params.get("metadata"))


def _shape(scope: Scope, params: Params) -> JsonObject:
    identifier = new_id("acct")
    url = f"/v1/accounts/{identifier}/external_accounts"
    return {
        "id": identifier,
        "object": "account",
        "business_profile": None,
        "business_type": None,
        "capabilities": {},
        "charges_enabled": False,
        "controller": params.get("controller") or {"type": "application"},
        "country": platform.country(scope),
        "created": scope.now(),
        "default_currency": "usd",
        "details_submitted": False,
        "email": None,
        "external_accounts": {
            "object": "list",
            "data": [],
            "has_more": False,
            "total_count": 0,
            "url": url,
        },
        "future_requirements": _requirements([]),
        "metadata": {},
        "payouts_enabled": False,
        "requirements": _requirements(_NEEDED),
        "settings": {},
        "tos_acceptance": {
            "date": None,
            "ip": None,
            "user_agent": None,
            **(params.get("tos_acceptance") or {}),
        },
        "type": params.get("type") or "none",
    }


def _requirements(needed: list[str]) -> JsonObject:
    return {
        "alternatives": [],
        "current_deadline": None,
        "currently_due": needed,
        "disabled_reason": "requirements.past_due" if needed else None,
        "errors": [],
        "eventually_due": needed,
        "past_due": needed,
        "pending_verification": [],
    }
