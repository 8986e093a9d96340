"""Stripe's lists: newest first, paged by cursor, filtered by a few fields."""

from typing import Any

import orjson

from devtools.stripe_standin.errors import ApiError, JsonObject
from devtools.stripe_standin.params import Params
from devtools.stripe_standin.scope import Scope

_COMPARISONS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_PAGING = {"limit", "starting_after", "ending_before", "expand", "created"}


def list_objects(
    scope: Scope, kind: str, url: str, params: Params, *, account: str | None = None
) -> JsonObject:
    """One page: `{"object": "list", "data": […], "has_more": …, "url": …}`; of those of a connected
    account, or of none."""
    limit = params.get("limit", 10)
    if not 1 <= limit <= 100:
        raise ApiError(
            "This value must be less than or equal to 100."
            if limit > 100
            else "This value must be greater than or equal to 1.",
            code="parameter_invalid_integer",
            param="limit",
        )
    clauses, values = _filters(scope, kind, params)
    if kind == "payout":
        clauses.append(
            "(SELECT json_extract(traits.data, '$.account') FROM traits "
            "WHERE traits.id = objects.id) IS ?"
        )
        values.append(account)
    backwards = "ending_before" in params
    for name, sign in (("starting_after", "<"), ("ending_before", ">")):
        if name in params:
            clauses.append(f"seq {sign} ?")
            values.append(_position(scope, kind, params[name], name))
    order = "ASC" if backwards else "DESC"
    rows = scope.store.rows(
        f"SELECT data FROM objects WHERE {' AND '.join(clauses)} ORDER BY seq {order} LIMIT ?",
        *values,
        limit + 1,
    )
    data = [orjson.loads(row["data"]) for row in rows[:limit]]
    if backwards:
        data.reverse()
    return {"object": "list", "data": data, "has_more": len(rows) > limit, "url": url}


def _filters(scope: Scope, kind: str, params: Params) -> tuple[list[str], list[Any]]:
    clauses = ["kind = ?", "json_extract(data, '$.deleted') IS NULL"]
    values: list[Any] = [kind]
    for name, value in params.items():
        if name in _PAGING:
            continue
        if name == "types":
            marks = ", ".join("?" for _ in value)
            clauses.append(f"json_extract(data, '$.type') IN ({marks})")
            values.extend(value)
        elif name == "delivery_success":
            sign = "NOT IN" if value else "IN"
            clauses.append(f"id {sign} (SELECT event FROM deliveries WHERE state != 'delivered')")
        elif name == "type" and value.endswith("*"):
            clauses.append("json_extract(data, '$.type') GLOB ?")
            values.append(value)
        else:
            clauses.append(f"json_extract(data, '$.{name}') = ?")
            values.append(value)
    created = params.get("created")
    for name, limit in (created if isinstance(created, dict) else {}).items():
        clauses.append(f"json_extract(data, '$.created') {_COMPARISONS[name]} ?")
        values.append(limit)
    if isinstance(created, int):
        clauses.append("json_extract(data, '$.created') = ?")
        values.append(created)
    return clauses, values


def _position(scope: Scope, kind: str, identifier: str, param: str) -> int:
    scope.require(kind, identifier, param)
    rows = scope.store.rows("SELECT seq FROM objects WHERE id = ?", identifier)
    return int(rows[0]["seq"])
