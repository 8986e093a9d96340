"""The database engine: Django's, that checks a kept connection without asking the server, can send
prepared statements, and waits as long as its process may."""

import select
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import psycopg
from django.conf import settings
from django.db.backends.postgresql import base, operations
from psycopg.adapt import AdaptersMap
from psycopg.types.datetime import TimestamptzLoader

from core.postgresql.limits import connection_limits, startup_options
from core.postgresql.patience import PatientConnection
from core.postgresql.pooling import PROBLEM as POOLER_PROBLEM
from core.postgresql.pooling import REFUSED as POOLER_REFUSES
from core.postgresql.pooling import require_passed_on
from core.postgresql.schema import SchemaEditor
from core.process import role
from core.starting import stop_start

# Its stubs leave out what it takes.
_ServerSideCursor: Any = base.ServerSideCursor


@lru_cache
def _reading_in_c(template: AdaptersMap) -> AdaptersMap:
    """How values are written and read: as in Django's template, but that moments are read by
    psycopg itself, in UTC. Django's reader, made of Python, takes each five microseconds more."""
    adapters = AdaptersMap(template)
    adapters.register_loader("timestamptz", TimestamptzLoader)
    return adapters


class PlannedCursor(psycopg.ClientCursor[Any]):
    """Sends each statement with its values in it, to be planned for them."""


class PreparedCursor(psycopg.Cursor[Any]):
    """Sends each statement as a prepared one, its values apart from its text."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> "PreparedCursor":
        return super().execute(query, params, prepare=not settings.DATABASE_POOLED, **options)


class DatabaseOperations(operations.DatabaseOperations):
    """What Django asks of the engine."""

    def last_executed_query(self, cursor: Any, sql: Any, params: Any) -> str:
        """Return the statement for the query log: a prepared one as it was sent, without values."""
        if isinstance(cursor, PreparedCursor):
            return str(sql)
        executed: str = super().last_executed_query(cursor, sql, params)
        return executed


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection to PostgreSQL."""

    ops_class = DatabaseOperations
    SchemaEditorClass = SchemaEditor
    # Django connects, and knows errors, by this module.
    Database: Any = SimpleNamespace(**{**vars(psycopg), "connect": PatientConnection.connect})

    def get_connection_params(self) -> dict[str, Any]:
        """Return what to connect with: as configured, and the limits of this kind of process."""
        given: dict[str, Any] = super().get_connection_params()
        # Over Django's own, which switch prepared statements off, and under what is configured.
        ours = {**connection_limits(), **startup_options()}
        configured = self.settings_dict["OPTIONS"]
        given["context"] = _reading_in_c(given["context"])
        return given | {name: value for name, value in ours.items() if name not in configured}

    def create_cursor(self, name: str | None = None) -> Any:
        """Return a cursor, on the server where it has a name. Django's would be asked which zone it
        reads moments in, which psycopg's reader doesn't say: always UTC, the connection's."""
        if name is None:
            return self.connection.cursor()
        return _ServerSideCursor(
            self.connection, name=name, scrollable=False, withhold=self.connection.autocommit
        )

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Connect. Raises what psycopg raises; ends a command that meets an undeclared pooler."""
        try:
            made = super().get_new_connection(conn_params)
        except psycopg.OperationalError as exc:
            if role() == "command" and POOLER_REFUSES in str(exc):
                stop_start([POOLER_PROBLEM])
            raise
        # Web and worker ask once, when they start; who configured `options` tells other things.
        told = startup_options().get("options")
        if role() == "command" and told and conn_params.get("options") == told:
            require_passed_on(made)
        return made

    def is_usable(self) -> bool:
        """Whether a connection kept from an earlier request still stands.

        Django asks `SELECT 1` before the first statement of every request. A server that ended or
        dropped an idle connection has closed its socket, and a closed socket can be read: looking
        costs nothing, and notices a restart just the same.
        """
        if self.connection is None or self.connection.closed:
            return False
        poll = select.poll()
        poll.register(self.connection.fileno(), select.POLLIN | select.POLLHUP | select.POLLERR)
        return not poll.poll(0)

    def fetch(
        self, kind: type[PlannedCursor | PreparedCursor], query: str, parameters: Any
    ) -> list[tuple[Any, ...]]:
        """Return the rows of one statement, for `core.reads`."""
        # As `cursor()` does: this may be the first statement of a request.
        self.close_if_health_check_failed()
        self.ensure_connection()
        self.validate_thread_sharing()
        with self.wrap_database_errors, kind(self.connection) as cursor:
            if self.queries_logged or self.execute_wrappers:
                # Somebody watches: in Django's wrapping, which takes a tenth of the time.
                self._prepare_cursor(cursor).execute(query, parameters)  # type: ignore[attr-defined]
            else:
                self.validate_no_broken_transaction()
                cursor.execute(query, parameters)
            return cursor.fetchall()
