"""Everything the stand-in remembers, in one SQLite file (or in memory).

One connection, used by one thread: a request is a single transaction, so a process killed half-way
leaves either all of a request's work (objects, events, deliveries, stored answer) or none of it.
Nothing is awaited in a transaction, so that no other work gets into it.
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson

from devtools.stripe_standin.errors import JsonObject

_SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    data TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS objects_by_kind ON objects (kind, seq);
CREATE INDEX IF NOT EXISTS objects_by_intent ON objects (json_extract(data, '$.payment_intent'));
CREATE INDEX IF NOT EXISTS objects_by_charge ON objects (json_extract(data, '$.charge'));
CREATE TABLE IF NOT EXISTS traits (
    id TEXT PRIMARY KEY,
    data TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY,
    endpoint TEXT NOT NULL,
    params TEXT NOT NULL,
    status INTEGER NOT NULL,
    body TEXT NOT NULL,
    request_id TEXT NOT NULL,
    created REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS deliveries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    event TEXT NOT NULL,
    kind TEXT NOT NULL,
    url TEXT NOT NULL,
    state TEXT NOT NULL,
    due REAL NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    status INTEGER,
    problem TEXT
);
CREATE INDEX IF NOT EXISTS deliveries_by_due ON deliveries (state, due);
CREATE INDEX IF NOT EXISTS deliveries_by_event ON deliveries (event);
CREATE TABLE IF NOT EXISTS jobs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    due REAL NOT NULL,
    name TEXT NOT NULL,
    target TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS jobs_by_due ON jobs (due);
CREATE TABLE IF NOT EXISTS clock (
    ahead REAL NOT NULL
);
"""

_TABLES = ("objects", "traits", "answers", "deliveries", "jobs", "clock")


class Store:
    """Objects by id, plus tables that other modules query with `rows` and `execute`."""

    def __init__(self, path: str | None) -> None:
        """Open (or create) the file at `path`; None keeps everything in memory."""
        self._connection = sqlite3.connect(path or ":memory:", isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.executescript(_SCHEMA)
        self._ahead = self._read_clock()

    def now(self) -> float:
        """The stand-in's time in seconds since 1970: the machine's, and what `forward` added."""
        return time.time() + self._ahead

    def forward(self, seconds: float) -> None:
        """Move the stand-in's time ahead. Raises ValueError for a step back: time has none."""
        if not 0 <= seconds < float("inf"):
            raise ValueError("seconds must be zero or more")
        self.execute("INSERT INTO clock (ahead) VALUES (?)", seconds)
        self._ahead = self._read_clock()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; one at a time."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    @contextmanager
    def savepoint(self, keep: type[Exception]) -> Iterator[None]:
        """Undo the block when it raises, unless the error is a `keep` whose `keep` flag is set."""
        self._connection.execute("SAVEPOINT step")
        try:
            yield
        except BaseException as error:
            if not (isinstance(error, keep) and getattr(error, "keep", False)):
                self._connection.execute("ROLLBACK TO step")
            self._connection.execute("RELEASE step")
            raise
        self._connection.execute("RELEASE step")

    def execute(self, sql: str, *values: Any) -> int:
        """Run one statement inside the current transaction; the number of rows it touched."""
        return self._connection.execute(sql, values).rowcount

    def rows(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        """All rows of one query."""
        return self._connection.execute(sql, values).fetchall()

    def put(self, thing: JsonObject) -> None:
        """Insert or replace an object; its place in lists stays that of its creation."""
        self.execute(
            "INSERT INTO objects (id, kind, data) VALUES (?, ?, ?) "
            "ON CONFLICT (id) DO UPDATE SET data = excluded.data",
            thing["id"],
            thing["object"],
            orjson.dumps(thing).decode(),
        )

    def get(self, identifier: str) -> JsonObject | None:
        """The object with this id, of whatever kind."""
        found = self.rows("SELECT data FROM objects WHERE id = ?", identifier)
        if not found:
            return None
        thing: JsonObject = orjson.loads(found[0]["data"])
        return thing

    def put_traits(self, identifier: str, traits: JsonObject) -> None:
        """Remember what an object does not show: how its test card behaves."""
        self.execute(
            "INSERT OR REPLACE INTO traits (id, data) VALUES (?, ?)",
            identifier,
            orjson.dumps(traits).decode(),
        )

    def traits(self, identifier: str) -> JsonObject:
        """What `put_traits` remembered; empty when nothing."""
        found = self.rows("SELECT data FROM traits WHERE id = ?", identifier)
        return orjson.loads(found[0]["data"]) if found else {}

    def clear(self) -> None:
        """Forget everything."""
        with self.transaction():
            for table in _TABLES:
                self.execute(f"DELETE FROM {table}")
        self._ahead = self._read_clock()

    def _read_clock(self) -> float:
        return float(self.rows("SELECT total(ahead) AS ahead FROM clock")[0]["ahead"])
