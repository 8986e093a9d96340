"""Form parameters: decoding `a[b][0]=c`, and refusing what Stripe refuses.

The messages are Stripe's own: https://docs.stripe.com/error-codes
"""

import re
from collections.abc import Callable, Iterable
from typing import Any

from devtools.stripe_standin.errors import ApiError, missing_parameter
from devtools.stripe_standin.spec import Node

Params = dict[str, Any]

_KEY = re.compile(r"^([^\[\]]+)((?:\[[^\[\]]*\])*)$")
_INTEGER = re.compile(r"^-?\d{1,18}$")
_METADATA_LIMITS = (50, 40, 500)
# Parameters that name another object: an empty value can't unset them while creating.
_NEVER_EMPTY = {
    "charge", "client_secret", "currency", "payment_intent", "payment_method", "source", "type",
}  # fmt: skip


def decode(pairs: Iterable[tuple[str, str]]) -> Params:
    """The nested mapping that the pairs of a form spell; lists come as `{"0": …}`."""
    root: Params = {}
    for key, value in pairs:
        match = _KEY.match(key)
        if match is None:
            raise _unknown([key])
        path = [match[1], *re.findall(r"\[([^\[\]]*)\]", match[2])]
        _plant(root, path, value)
    return root


def _plant(root: Params, path: list[str], value: str) -> None:
    place = root
    for part in path[:-1]:
        below = place.setdefault(part or str(len(place)), {})
        if not isinstance(below, dict):
            raise ApiError("Invalid object", param=path[0])
        place = below
    place[path[-1] or str(len(place))] = value


def validate(node: Node, given: Params) -> Params:
    """The typed parameters of an operation.

    Raises `ApiError` (400) with the first fault, in Stripe's order: unknown names, then missing
    ones, then values.
    """
    return _object(node, given, "")


def _check(node: Node, value: Any, name: str) -> Any:
    return _CHECKS[node["t"]](node, value, name)


def _object(node: Node, value: Any, name: str) -> Params:
    if not isinstance(value, dict):
        raise ApiError("Invalid object", param=name)
    unknown = [_path(name, key) for key in value if key not in node["p"]]
    if unknown:
        raise _unknown(unknown)
    for required in node.get("r", []):
        if required not in value:
            raise missing_parameter(_path(name, required))
    required_names = set(node.get("r", []))
    checked = {}
    for key, item in value.items():
        if item == "" and key in required_names | _NEVER_EMPTY:
            raise _empty(_path(name, key))
        checked[key] = _check(node["p"][key], item, _path(name, key))
    return checked


def _map(_node: Node, value: Any, name: str) -> dict[str, str]:
    if value == "":
        return {}
    if not isinstance(value, dict) or any(isinstance(item, dict) for item in value.values()):
        raise ApiError("Invalid object", param=name)
    _, key_limit, value_limit = _METADATA_LIMITS
    for key, item in value.items():
        if len(key) > key_limit:
            raise ApiError(
                f"Metadata keys can have up to {key_limit} characters, but you passed in a key "
                f"that is {len(key)} characters. Invalid key: {key}",
                param=name,
            )
        if len(item) > value_limit:
            raise ApiError(
                f"Metadata values can have up to {value_limit} characters, but you passed in a "
                f"value that is {len(item)} characters. Invalid value: {item}",
                param=_path(name, key),
            )
    return dict(value)


def merge_metadata(old: dict[str, str], given: Any) -> dict[str, str]:
    """Metadata after an update: an empty value removes its key, an empty whole removes all.

    Raises `ApiError` (400) when more than 50 keys would be held.
    """
    if given is None:
        return old
    if given == "":
        return {}
    merged = {key: value for key, value in {**old, **given}.items() if value != ""}
    limit = _METADATA_LIMITS[0]
    if len(merged) > limit:
        raise ApiError(
            f"You can set up to {limit} metadata keys, but you set {len(merged)}.",
            param="metadata",
        )
    return merged


def check_email(address: str, param: str) -> None:
    """Raise `ApiError` (400) unless this could be an e-mail address."""
    local, _, domain = address.rpartition("@")
    if address and not (local and "." in domain and " " not in address):
        raise ApiError(f"Invalid email address: {address}", code="email_invalid", param=param)


def check_url(address: str, param: str) -> None:
    """Raise `ApiError` (400) unless this is an absolute URL."""
    if "://" not in address:
        raise ApiError("Not a valid URL", code="url_invalid", param=param)


def _array(node: Node, value: Any, name: str) -> list[Any]:
    if value == "":
        return []
    if not isinstance(value, dict) or not all(key.isdigit() for key in value):
        raise ApiError("Invalid array", param=name)
    return [
        _check(node["i"], item, f"{name}[{index}]") for index, item in enumerate(value.values())
    ]


def _alternative(node: Node, value: Any, name: str) -> Any:
    options = node["o"]
    if value == "" and any("" in option.get("e", []) for option in options):
        return ""
    fault: ApiError | None = None
    for option in options:
        try:
            return _check(option, value, name)
        except ApiError as error:
            nested = isinstance(value, dict) and option["t"] in {"object", "map", "array"}
            if fault is None or nested:
                fault = error
    raise fault or ApiError("Invalid value", param=name)


def _integer(_node: Node, value: Any, name: str) -> int:
    text = _scalar(value, name)
    if text == "":
        raise _empty(name)
    if not _INTEGER.match(text):
        raise ApiError(f"Invalid integer: {text}", code="parameter_invalid_integer", param=name)
    return int(text)


def _boolean(_node: Node, value: Any, name: str) -> bool:
    text = _scalar(value, name)
    if text not in {"true", "false"}:
        raise ApiError(f"Invalid boolean: {text}", param=name)
    return text == "true"


def _string(node: Node, value: Any, name: str) -> str:
    text = _scalar(value, name)
    allowed = node.get("e")
    if allowed is not None and text not in allowed:
        raise ApiError(f"Invalid {name}: must be {_one_of(allowed)}", param=name)
    limit = node.get("m", 5000)
    if len(text) > limit:
        raise ApiError(
            f"Invalid string: {text[:20]}...; must be at most {limit} characters", param=name
        )
    return text


def _scalar(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise ApiError(f"Invalid string: {value}", param=name)
    return value


def _free(_node: Node, value: Any, name: str) -> Any:
    if isinstance(value, dict):
        items = {key: _free(_node, item, name) for key, item in value.items()}
        return list(items.values()) if items and all(key.isdigit() for key in items) else items
    return value


def _path(name: str, key: str) -> str:
    return f"{name}[{key}]" if name else key


def _one_of(allowed: list[str]) -> str:
    shown = [choice for choice in allowed if choice]
    if len(shown) < 3:
        return " or ".join(shown)
    return f"one of {', '.join(shown[:-1])}, or {shown[-1]}"


def _unknown(names: list[str]) -> ApiError:
    word = "parameter" if len(names) == 1 else "parameters"
    return ApiError(
        f"Received unknown {word}: {', '.join(names)}", code="parameter_unknown", param=names[0]
    )


def _empty(name: str) -> ApiError:
    return ApiError(
        f"You passed an empty string for '{name}'. We assume empty values are an attempt to unset "
        f"a parameter; however '{name}' cannot be unset. You should remove '{name}' from your "
        "request or supply a non-empty value.",
        code="parameter_invalid_empty",
        param=name,
    )


_CHECKS: dict[str, Callable[[Node, Any, str], Any]] = {
    "object": _object,
    "map": _map,
    "array": _array,
    "any": _alternative,
    "integer": _integer,
    "boolean": _boolean,
    "string": _string,
    "free": _free,
}
