"""Connected accounts and the links by which their owners are onboarded.

https://docs.stripe.com/connect/express-accounts
"""

from devtools.stripe_standin.errors import ApiError, JsonObject, account_unknown, missing_parameter
from devtools.stripe_standin.ids import new_id, random_text
from devtools.stripe_standin.params import Params, check_email, check_url, merge_metadata
from devtools.stripe_standin.scope import Scope

_LINK_SECONDS = 300
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
    return scope.put(account)


def _get(scope: Scope, identifier: str) -> JsonObject:
    account = scope.store.get(identifier)
    if account is None or account["object"] != "account":
        raise account_unknown(identifier)
    return account


def retrieve(scope: Scope, target: str, params: Params) -> JsonObject:
    """`GET /v1/accounts/{id}`."""
    return _get(scope, target)


def update(scope: Scope, target: str, params: Params) -> JsonObject:
    """`POST /v1/accounts/{id}`: e-mail, metadata, capabilities and the like."""
    account = _get(scope, target)
    _apply(account, params)
    scope.put(account)
    scope.emit("account.updated", account, account=account["id"])
    return account


def create_link(scope: Scope, target: str, params: Params) -> JsonObject:
    """`POST /v1/account_links`: the page where the account's owner gives their details."""
    for name in ("account", "type"):
        if name not in params:
            raise missing_parameter(name)
    account = _get(scope, params["account"])
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
    account["payouts_enabled"] = account["charges_enabled"] = ready
    account["capabilities"] = dict.fromkeys(
        account["capabilities"], "active" if ready else "inactive"
    )
    account["requirements"] = _requirements([] if ready else ["individual.verification.document"])
    scope.put(account)
    scope.emit("account.updated", account, account=account["id"])
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
        "country": "US",
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
        "tos_acceptance": {"date": None, "ip": None, "user_agent": None},
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
