"""`Idempotency-Key` as Stripe documents it: https://docs.stripe.com/api/idempotent_requests

The answer to the first request of a key is stored in the transaction of its work. The same key with
the same parameters gets that answer again for 24 hours, whatever it was; with other parameters, or
at another endpoint, it is refused. While the first request runs, a second is a conflict. A request
refused before its work began (key, unknown or malformed parameters) leaves nothing behind.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from devtools.stripe_standin.errors import ApiError, key_in_use, key_reused
from devtools.stripe_standin.params import Params
from devtools.stripe_standin.store import Store

_LIFETIME = 24 * 3600
_MAX_LENGTH = 255


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """What the first request with a key was answered."""

    status: int
    body: str
    request_id: str


class Idempotency:
    """The keys in use and the answers given."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._busy: set[str] = set()

    @contextmanager
    def claim(self, key: str | None) -> Iterator[None]:
        """Hold the key for one request; raises `ApiError` (409) when another holds it."""
        if key is None:
            yield
            return
        if not 1 <= len(key) <= _MAX_LENGTH:
            raise ApiError(
                f"Idempotency keys must be between 1 and {_MAX_LENGTH} characters long.",
                kind="idempotency_error",
            )
        if key in self._busy:
            raise key_in_use(key)
        self._busy.add(key)
        try:
            yield
        finally:
            self._busy.discard(key)

    def recall(self, key: str, endpoint: str, params: Params) -> StoredAnswer | None:
        """The stored answer, or None for a new key.

        Raises `ApiError` (400 `idempotency_error`) when the key was used for another request.
        """
        rows = self._store.rows(
            "SELECT * FROM answers WHERE key = ? AND created > ?",
            key,
            self._store.now() - _LIFETIME,
        )
        if not rows:
            return None
        row = rows[0]
        if row["endpoint"] != endpoint:
            raise key_reused(key, other_endpoint=row["endpoint"])
        if row["params"] != _canonical(params):
            raise key_reused(key, other_endpoint=None)
        return StoredAnswer(row["status"], row["body"], row["request_id"])

    def remember(self, key: str, endpoint: str, params: Params, answer: StoredAnswer) -> None:
        """Store the answer inside the current transaction."""
        self._store.execute(
            "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?, ?)",
            key,
            endpoint,
            _canonical(params),
            answer.status,
            answer.body,
            answer.request_id,
            self._store.now(),
        )


def _canonical(params: Params) -> str:
    return json.dumps(params, sort_keys=True)
