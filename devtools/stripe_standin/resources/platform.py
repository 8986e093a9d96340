"""The platform's own account: where it is, and how it is paid out to its bank.

https://docs.stripe.com/api/accounts/retrieve (without an id) and
https://docs.stripe.com/connect/cross-border-payouts
"""

from typing import Any

from devtools.stripe_standin.errors import JsonObject
from devtools.stripe_standin.params import Params
from devtools.stripe_standin.scope import Scope

# Where a control's say is kept.
_TRAITS = "platform"
_ID = "acct_1StandInPlatform00"


def _countries(codes: str) -> frozenset[str]:
    return frozenset(codes.split())


# Among these countries, money can be transferred across borders.
REGION = _countries(
    "AT BE BG CA CH CY CZ DE DK EE ES FI FR GB GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE "
    "SI SK US"
)
# Where an account can charge cards.
CAN_CHARGE = REGION | _countries("AE AU BR GI HK JP MX MY NZ SG TH")


def retrieve(scope: Scope, target: str, params: Params) -> JsonObject:
    """`GET /v1/account`."""
    return {
        "id": _ID,
        "object": "account",
        "charges_enabled": True,
        "country": country(scope),
        "default_currency": "usd",
        "details_submitted": True,
        "payouts_enabled": True,
        "settings": {
            "payouts": {
                "debit_negative_balances": True,
                "schedule": {"delay_days": 2, "interval": _get(scope, "interval", "daily")},
                "statement_descriptor": None,
            }
        },
        "type": "standard",
    }


def country(scope: Scope) -> str:
    """Where the platform is."""
    return str(_get(scope, "country", "US"))


def set_up(scope: Scope, given: dict[str, Any]) -> JsonObject:
    """Move the platform to another `country`, or pay it out at another `interval`."""
    known: dict[str, Any] = {name: given[name] for name in ("country", "interval") if name in given}
    scope.store.put_traits(_TRAITS, {**scope.store.traits(_TRAITS), **known})
    return retrieve(scope, "", {})


def _get(scope: Scope, name: str, otherwise: str) -> Any:
    return scope.store.traits(_TRAITS).get(name, otherwise)
