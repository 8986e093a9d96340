"""What an operation works with: the store, the configuration, and who asked."""

from dataclasses import dataclass
from typing import Any

import orjson

from devtools.stripe_standin.config import API_VERSION, PLAIN, Config, WebhookMode
from devtools.stripe_standin.errors import JsonObject, no_such
from devtools.stripe_standin.ids import new_id
from devtools.stripe_standin.store import Store


@dataclass(frozen=True, slots=True)
class Scope:
    """One request's (or one background job's) view of the stand-in.

    Everything done through it belongs to the store's current transaction.
    """

    store: Store
    config: Config
    request_id: str | None = None
    idempotency_key: str | None = None
    publishable: bool = False
    # The connected account that the caller acts for (`Stripe-Account`).
    account: str | None = None
    mode: WebhookMode = PLAIN

    def now(self) -> int:
        """The current time in whole seconds, as Stripe's `created`."""
        return int(self.store.now())

    def get(self, kind: str, identifier: str, param: str = "id") -> JsonObject:
        """The object; raises `ApiError` (404 `resource_missing`) when there is none."""
        thing = self.store.get(identifier)
        if thing is None or thing["object"] != kind:
            raise no_such(kind, identifier, param)
        return thing

    def require(self, kind: str, identifier: str, param: str) -> JsonObject:
        """An object named by a parameter; a missing one is 400, not 404 as for one in the path."""
        thing = self.store.get(identifier)
        if thing is None or thing["object"] != kind or thing.get("deleted"):
            fault = no_such(kind, identifier, param)
            fault.status = 400
            raise fault
        return thing

    def put(self, thing: JsonObject) -> JsonObject:
        """Store an object and return it."""
        self.store.put(thing)
        return thing

    def emit(
        self,
        kind: str,
        thing: JsonObject,
        previous: JsonObject | None = None,
        *,
        account: str | None = None,
    ) -> None:
        """Record an event about the object as it is now, and one delivery per endpoint; `account`
        is the connected account that it is of."""
        data: JsonObject = {"object": thing}
        if previous:
            data["previous_attributes"] = previous
        event: JsonObject = {
            "id": new_id("evt"),
            "object": "event",
            "api_version": API_VERSION,
            "created": self.now(),
            "data": data,
            "livemode": False,
            "pending_webhooks": sum(one.wants(kind) for one in self.config.endpoints),
            "request": {"id": self.request_id, "idempotency_key": self.idempotency_key},
            "type": kind,
        }
        if account is not None:
            event["account"] = account
        self.store.put(event)
        self.queue(event["id"], kind)

    def queue(self, event_id: str, kind: str) -> None:
        """Have an event of this type delivered to every endpoint, as the mode says."""
        mode = self.mode if self.mode.covers(kind) else PLAIN
        copies = 0 if mode.drop else mode.duplicate
        wanted = tuple(one for one in self.config.endpoints if one.wants(kind))
        for endpoint in wanted * copies:
            self.store.execute(
                "INSERT INTO deliveries (event, kind, url, state, due) "
                "VALUES (?, ?, ?, 'pending', ?)",
                event_id,
                kind,
                endpoint.url,
                self.store.now() + mode.delay,
            )

    def later(self, name: str, target: str) -> None:
        """Have the background worker do the job once `async_delay` has passed."""
        self.store.execute(
            "INSERT INTO jobs (due, name, target) VALUES (?, ?, ?)",
            self.store.now() + self.config.async_delay,
            name,
            target,
        )

    def find(self, kind: str, **fields: Any) -> list[JsonObject]:
        """All objects of a kind whose fields have these values, oldest first."""
        clauses = "".join(f" AND json_extract(data, '$.{name}') = ?" for name in fields)
        rows = self.store.rows(
            f"SELECT data FROM objects WHERE kind = ?{clauses} ORDER BY seq",
            kind,
            *fields.values(),
        )
        return [orjson.loads(row["data"]) for row in rows]
