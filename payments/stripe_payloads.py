"""What is kept of an event's payload: which object it is about and how that stood.

Everything else is Stripe's to keep: the client secret of an intent, the buyer's name, address and
e-mail, the card, the texts that others put in.
"""

from collections.abc import Iterable, Mapping
from typing import Any

KEPT_OF_EVENT = ("id", "object", "type", "created", "api_version", "livemode", "account")
KEPT_OF_OBJECT = (
    "id", "object", "created", "status", "amount", "amount_received", "amount_refunded",
    "amount_reversed", "currency", "payment_intent", "charge", "latest_charge", "refunded",
    "disputed", "reason", "failure_reason", "failure_code", "cancellation_reason",
    "charges_enabled", "payouts_enabled", "details_submitted", "destination", "reversed",
)  # fmt: skip
_LONGEST = 255


def keep_of(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of an event's payload that may be stored; of anything else, what there is of
    such a part."""
    kept = _plain(payload, KEPT_OF_EVENT)
    data = payload.get("data")
    thing = data.get("object") if isinstance(data, Mapping) else None
    if isinstance(thing, Mapping):
        kept["data"] = {"object": _plain(thing, KEPT_OF_OBJECT)}
    return kept


def _plain(things: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: things[name] for name in names if name in things and _is_plain(things[name])}


def _is_plain(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= _LONGEST
    return value is None or isinstance(value, bool | int)
