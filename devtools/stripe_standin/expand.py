"""`expand[]`: ids in an answer replaced by the objects they name."""

from devtools.stripe_standin.errors import ApiError, JsonObject
from devtools.stripe_standin.listing import list_objects
from devtools.stripe_standin.scope import Scope

_DEPTH = 4
# object → its expandable fields → what they become; `[refund]` stands for a list.
EXPANDABLE: dict[str, dict[str, str]] = {
    "account": {},
    "account_link": {},
    "balance_transaction": {},
    "payment_intent": {
        "customer": "customer",
        "latest_charge": "charge",
        "payment_method": "payment_method",
    },
    "charge": {
        "balance_transaction": "balance_transaction",
        "customer": "customer",
        "failure_balance_transaction": "balance_transaction",
        "payment_intent": "payment_intent",
        "refunds": "[refund]",
    },
    "refund": {
        "balance_transaction": "balance_transaction",
        "charge": "charge",
        "failure_balance_transaction": "balance_transaction",
        "payment_intent": "payment_intent",
    },
    "transfer": {"balance_transaction": "balance_transaction", "destination": "account"},
    "transfer_reversal": {"balance_transaction": "balance_transaction", "transfer": "transfer"},
    "dispute": {"charge": "charge", "payment_intent": "payment_intent"},
    "payment_method": {"customer": "customer"},
    "customer": {},
    "event": {},
    "payout": {},
}


def check_paths(paths: list[str], kind: str, *, is_list: bool) -> list[list[str]]:
    """The paths split up, without the `data` of a list.

    Raises `ApiError` (400) for one that Stripe would not expand.
    """
    return [_checked(path, kind, is_list) for path in paths]


def _checked(path: str, kind: str, is_list: bool) -> list[str]:
    parts = path.split(".")
    if len(parts) > _DEPTH:
        raise ApiError(
            f"You cannot expand more than {_DEPTH} levels of a property. Property: {path}",
            param="expand",
        )
    steps = parts[1:] if is_list and parts[0] == "data" else parts
    refused = is_list and (parts[0] != "data" or not steps)
    for step in steps:
        if step == "data" and kind.startswith("["):
            kind = kind.strip("[]")
            continue
        target = EXPANDABLE.get(kind, {}).get(step)
        refused = refused or target is None
        kind = target or ""
    if refused:
        raise ApiError(
            f"This property cannot be expanded ({path}). You may want to try expanding "
            f"'{'data.' + path if is_list else path.split('.', maxsplit=1)[0]}' instead.",
            param="expand",
        )
    return steps


def expand(scope: Scope, thing: JsonObject, paths: list[list[str]]) -> JsonObject:
    """A copy of the object with the paths expanded."""
    copy = dict(thing)
    for path in paths:
        copy = _expand_path(scope, copy, path)
    return copy


def _expand_path(scope: Scope, thing: JsonObject, path: list[str]) -> JsonObject:
    if not path:
        return thing
    name, rest = path[0], path[1:]
    if thing.get("object") == "list":
        items = [_expand_path(scope, item, rest) for item in thing["data"]]
        return {**thing, "data": items}
    value = thing.get(name)
    if thing.get("object") == "charge" and name == "refunds" and value is None:
        url = f"/v1/charges/{thing['id']}/refunds"
        value = list_objects(scope, "refund", url, {"charge": thing["id"]})
    elif isinstance(value, str):
        value = scope.store.get(value)
    if isinstance(value, dict):
        value = _expand_path(scope, value, rest)
    return {**thing, name: value}
