"""Counting what servers send to PostgreSQL, by its own books (pg_stat_statements)."""

import time
from dataclasses import dataclass, field

import psycopg

# What a connection's health check and a pool send: a round trip, though no question to the data.
_PINGS = frozenset({"", "SELECT $1", "SELECT 1"})
_KEPT = 8
_SETTLE_SECONDS = 10.0
_LOOK_SECONDS = 0.05
_CALM_LOOKS = 6
_COUNT_ACTIVE = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND state = 'active' AND pid <> pg_backend_pid()
      AND backend_type = 'client backend'
"""


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One kind of statement: how often for a request, and PostgreSQL's mean time in ms."""

    per_request: float
    milliseconds: float
    query: str


@dataclass(frozen=True, kw_only=True)
class Counted:
    """Statements for a request. `pings` only ask whether the connection still stands."""

    per_request: float
    pings: float
    statements: list[Statement] = field(default_factory=list)


class StatementBook:
    """The books of one database; `is_open` is False where the server doesn't keep any."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)
        self.is_open = self._open()

    def close(self) -> None:
        self._connection.close()

    def settle(self) -> None:
        """Wait until no server asks anything: what wrk left half-way is still worked at when a turn
        ends, and would slow down and count for the next. At most `_SETTLE_SECONDS`."""
        deadline, calm = time.monotonic() + _SETTLE_SECONDS, 0
        while calm < _CALM_LOOKS and time.monotonic() < deadline:
            row = self._connection.execute(_COUNT_ACTIVE).fetchone()
            calm = 0 if row and row[0] else calm + 1
            time.sleep(_LOOK_SECONDS)

    def clear(self) -> None:
        """Start counting anew."""
        if self.is_open:
            self._connection.execute("SELECT pg_stat_statements_reset()")

    def read(self, *, requests: int) -> Counted | None:
        """Return what came since `clear`, for one of `requests`; None without books."""
        if not self.is_open:
            return None
        rows = self._connection.execute(
            "SELECT calls, mean_exec_time, query FROM pg_stat_statements "
            "WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) "
            "AND query NOT LIKE '%pg_stat_statements%' ORDER BY calls DESC"
        ).fetchall()
        return count([(calls, mean, query) for calls, mean, query in rows], requests=requests)

    def _open(self) -> bool:
        try:
            self._connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
            self._connection.execute("SELECT 1 FROM pg_stat_statements LIMIT 1")
        except psycopg.Error:
            return False
        return True


def count(rows: list[tuple[int, float, str]], *, requests: int) -> Counted:
    """Return rows of the books (calls, mean ms, text) as a share of one request."""
    pings = sum(calls for calls, _, query in rows if query.strip() in _PINGS)
    asked = [row for row in rows if row[2].strip() not in _PINGS]
    return Counted(
        per_request=sum(calls for calls, _, _ in asked) / requests,
        pings=pings / requests,
        statements=[
            Statement(
                per_request=calls / requests, milliseconds=mean, query=" ".join(query.split())
            )
            for calls, mean, query in asked[:_KEPT]
        ],
    )
