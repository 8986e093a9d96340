"""Events: what happened, as the webhooks tell it and the API lists it."""

from devtools.stripe_standin.errors import JsonObject
from devtools.stripe_standin.params import Params
from devtools.stripe_standin.scope import Scope


def retrieve(scope: Scope, target: str, params: Params) -> JsonObject:
    """`GET /v1/events/{id}`; `pending_webhooks` counts the deliveries not yet accepted."""
    return with_pending(scope, scope.get("event", target, "id"))


def with_pending(scope: Scope, event: JsonObject) -> JsonObject:
    """The event with today's number of deliveries not yet accepted."""
    rows = scope.store.rows(
        "SELECT count(*) AS waiting FROM deliveries WHERE event = ? AND state = 'pending'",
        event["id"],
    )
    return {**event, "pending_webhooks": rows[0]["waiting"]}
