"""The request parameters Stripe knows, per operation, derived from its OpenAPI description.

A node of the table is a compact dict. `t` is its type: `object` (`p`: its properties, `r`: the
required ones), `array` (`i`: its items), `map` (free keys), `string` (`e`: the closed set of
values, `m`: the greatest length), `integer`, `boolean`, `free` (known by name only) or `any` (`o`:
the alternatives).
"""

import json
from functools import cache
from importlib import resources
from typing import Any

Node = dict[str, Any]


@cache
def parameter_table() -> dict[str, Node]:
    """All operations as `"post /v1/refunds"` → the node of their parameters."""
    text = resources.files(__name__).joinpath("parameters.json").read_text(encoding="utf-8")
    table: dict[str, Node] = json.loads(text)
    return table
