"""Derive `parameters.json` from an OpenAPI description of Stripe's API (see `NOTICE.md`).

Usage: `python -m devtools.stripe_standin.spec.derive path/to/openapi.json`
"""

import json
import sys
from pathlib import Path
from typing import Any

from devtools.stripe_standin.routes import OPERATIONS

TARGET = Path(__file__).with_name("parameters.json")

# Card details in place of an id are left out of the description, as they need a key's special
# permission; Stripe accepts them all the same, and from Stripe.js always.
CARD_DETAILS = {
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


def operation_node(operation: dict[str, Any], later: list[str]) -> dict[str, Any]:
    """All parameters of one operation: of its query, its body, and the names added since."""
    content = operation.get("requestBody", {}).get("content", {})
    schema = content.get("application/x-www-form-urlencoded", {}).get("schema", {})
    node = object_node({**schema, "additionalProperties": False})
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "query":
            node["p"][parameter["name"]] = node_of(parameter["schema"])
            if parameter.get("required"):
                node.setdefault("r", []).append(parameter["name"])
    for name in later:
        node["p"].setdefault(name, {"t": "free"})
    method_data = node["p"].get("payment_method_data")
    if method_data is not None:
        method_data["p"]["card"] = CARD_DETAILS
        method_data["p"]["type"]["e"] = sorted({"card", *method_data["p"]["type"]["e"]})
    return node


def derive(document: dict[str, Any]) -> dict[str, Any]:
    """The table for every operation the stand-in implements."""
    later = document.get("x-later-parameters", {}).get("operations", {})
    table = {}
    for operation in OPERATIONS:
        verb, path = operation.spec_key.split(" ", 1)
        described = document["paths"][path][verb]
        table[operation.spec_key] = operation_node(described, later.get(operation.spec_key, []))
    return table


def main() -> None:
    """Write the table beside this file, one operation a line, so that a diff can be read."""
    document = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    lines = [
        f"{json.dumps(key)}:{json.dumps(node, sort_keys=True, separators=(',', ':'))}"
        for key, node in sorted(derive(document).items())
    ]
    TARGET.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
