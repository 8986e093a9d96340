"""Whether `DATABASE_POOLED` tells the truth about what DATABASE_URL names.

A pooler that lends a connection for one transaction (PgBouncer with `pool_mode = transaction`)
either refuses what we tell a server when connecting, or swallows it. With the latter, time-outs
would be missing in silence, and statements that one connection prepared be asked of another.
"""

import logging
from typing import Any

import psycopg
from django.conf import settings
from django.db import DatabaseError, connection

from core.postgresql.limits import PLANS
from core.starting import stop_start

logger = logging.getLogger(__name__)

REFUSED = "unsupported startup parameter"
PROBLEM = (
    "DATABASE_URL leads to a pooler such as PgBouncer, which doesn't pass on what is asked of "
    "PostgreSQL: set DATABASE_POOLED=on (docs/operations.md, PgBouncer)"
)
_TIMEOUTS = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")


def require_passed_on(made: psycopg.Connection[Any]) -> None:
    """End the process, saying why, when what this new connection was made with was swallowed on its
    way. Costs one short answer of the server, and leaves no transaction behind."""
    plans = made.pgconn.exec_(b"SHOW plan_cache_mode").get_value(0, 0)
    if plans is not None and plans.decode() != PLANS:
        made.close()
        stop_start([PROBLEM])


def require_fitting() -> None:
    """End the process, saying why, when there is a pooler that isn't configured. A database that
    can't be reached is no reason: it may come later."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('plan_cache_mode')")
            (plans,) = cursor.fetchone()
            cursor.execute(
                "SELECT coalesce(string_agg(name, ', '), '') FROM pg_settings"
                " WHERE name = ANY(%s) AND setting = '0'",
                [list(_TIMEOUTS)],
            )
            (endless,) = cursor.fetchone()
    except DatabaseError as exc:
        if REFUSED in str(exc):
            stop_start([PROBLEM])
        logger.warning("the database can't be looked at: %s", exc)
        return
    finally:
        # Nothing that is open may be shared with processes to come.
        connection.close()
    if settings.DATABASE_POOLED:
        if endless:
            logger.warning("behind a pooler, the database's role gives no end to: %s", endless)
    elif plans != PLANS:
        stop_start([PROBLEM])
