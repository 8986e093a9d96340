"""Derive `parameters.json` from an OpenAPI description of Stripe's API (see `NOTICE.md`).

    python -m devtools.stripe_standin.spec.derive path/to/openapi.json

Without a path the table stays as it is, and only gains the parameter names that the installed SDK
knows beyond it: enough after an upgrade of the SDK.
"""

import json
import sys
from pathlib import Path
from typing import Any

from stripe import params as sdk_params

from devtools.stripe_standin.routes import OPERATIONS, Operation
from devtools.stripe_standin.spec import Node, parameter_table

TARGET = Path(__file__).with_name("parameters.json")

# Options of the SDK itself, which it declares among the parameters.
NOT_SENT = {
    "api_key",
    "content_type",
    "headers",
    "idempotency_key",
    "max_network_retries",
    "stripe_account",
    "stripe_context",
    "stripe_version",
}

# Card details in place of an id are left out of the description, as they need a key's special
# permission; Stripe accepts them all the same, and from Stripe.js always.
CARD_DETAILS: Node = {
    "t": "object",
    "p": {
        "number": {"t": "string"},
        "exp_month": {"t": "integer"},
        "exp_year": {"t": "integer"},
        "cvc": {"t": "string"},
        "token": {"t": "string"},
    },
}


def node_of(schema: dict[str, Any]) -> dict[str, Any]:
    """The compact node for one JSON schema of a request."""
    if "anyOf" in schema:
        return {"t": "any", "o": [node_of(option) for option in schema["anyOf"]]}
    kind = schema.get("type", "free")
    if kind == "array":
        return {"t": "array", "i": node_of(schema.get("items", {}))}
    if kind == "object":
        return object_node(schema)
    node: dict[str, Any] = {"t": kind}
    if "enum" in schema:
        node["e"] = schema["enum"]
    elif schema.get("maxLength", 5000) < 5000:
        node["m"] = schema["maxLength"]
    return node


def object_node(schema: dict[str, Any]) -> dict[str, Any]:
    """The node of an object; one whose keys are free becomes a `map`."""
    if schema.get("additionalProperties"):
        return {"t": "map"}
    properties = {name: node_of(value) for name, value in schema.get("properties", {}).items()}
    node: dict[str, Any] = {"t": "object", "p": properties}
    if schema.get("required"):
        node["r"] = schema["required"]
    return node


def operation_node(operation: dict[str, Any]) -> Node:
    """All parameters of one operation: of its query and of its body."""
    content = operation.get("requestBody", {}).get("content", {})
    schema = content.get("application/x-www-form-urlencoded", {}).get("schema", {})
    node = object_node({**schema, "additionalProperties": False})
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "query":
            node["p"][parameter["name"]] = node_of(parameter["schema"])
            if parameter.get("required"):
                node.setdefault("r", []).append(parameter["name"])
    method_data = node["p"].get("payment_method_data")
    if method_data is not None:
        method_data["p"]["card"] = CARD_DETAILS
        method_data["p"]["type"]["e"] = sorted({"card", *method_data["p"]["type"]["e"]})
    return node


def sdk_names(operation: Operation) -> set[str]:
    """The parameter names that the installed SDK has for an operation; none for a nested list."""
    group, _, action = operation.name.partition(".")
    resource = "".join(word.capitalize() for word in group.removesuffix("s").split("_"))
    declared = getattr(sdk_params, f"{resource}{action.capitalize()}Params", None)
    return set() if declared is None else set(declared.__annotations__) - NOT_SENT


# What the description (of 2023, trimmed) leaves out, with what Stripe's reference says it needs.
BEYOND_DESCRIPTION: dict[str, Node] = {
    "post /v1/account_links": {
        "t": "object",
        "p": {
            "account": {"t": "string"},
            "refresh_url": {"t": "string"},
            "return_url": {"t": "string"},
            "type": {"t": "string", "e": ["account_onboarding", "account_update"]},
            "expand": {"t": "array", "i": {"t": "string"}},
        },
        "r": ["account", "type"],
    },
}


def derive(document: dict[str, Any]) -> dict[str, Node]:
    """The table for every operation the stand-in implements, as the description has it."""
    table = {}
    for operation in OPERATIONS:
        verb, path = operation.spec_key.split(" ", 1)
        known = BEYOND_DESCRIPTION.get(operation.spec_key)
        table[operation.spec_key] = known or operation_node(document["paths"][path][verb])
    return table


def add_sdk_names(table: dict[str, Node]) -> None:
    """Add what the SDK knows beyond the description, by name alone."""
    for operation in OPERATIONS:
        for name in sdk_names(operation):
            table[operation.spec_key]["p"].setdefault(name, {"t": "free"})


def main() -> None:
    """Write the table beside this file, one operation a line, so that a diff can be read."""
    if sys.argv[1:]:
        table = derive(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    else:
        table = parameter_table()
    add_sdk_names(table)
    lines = [
        f"{json.dumps(key)}:{json.dumps(node, sort_keys=True, separators=(',', ':'))}"
        for key, node in sorted(table.items())
    ]
    TARGET.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
