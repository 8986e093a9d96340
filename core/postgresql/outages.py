"""Whether PostgreSQL is away, or answered with an error."""

import django.db
import psycopg

# Of the codes that PostgreSQL gives its errors: the connection failed, and the server goes away or
# isn't there yet. Whoever has another code answered (a lock, a full disk, …).
_AWAY = ("08", "57P")
_KINDS = (
    django.db.OperationalError,
    django.db.InterfaceError,
    psycopg.OperationalError,
    psycopg.InterfaceError,
)


def is_of_database(exc: BaseException) -> bool:
    """Whether this is an error of a statement or a connection that may mean an outage."""
    return isinstance(exc, _KINDS)


def is_database_away(exc: BaseException) -> bool:
    """Whether PostgreSQL didn't answer at all, or said goodbye. Takes Django's errors and
    psycopg's."""
    if not is_of_database(exc):
        return False
    code = getattr(exc, "sqlstate", None) or getattr(exc.__cause__, "sqlstate", None)
    return not code or code.startswith(_AWAY)
