"""What a connection is made with, by the kind of its process."""

from typing import Any

from django.conf import settings

from core.process import role

# How long a command waits for a lock, and a worker.
_PATIENT_LOCK_SECONDS = 10.0
_IDLE_IN_TRANSACTION_SECONDS = 60.0
# The `plan_cache_mode` of each connection, by which one also sees whether it was told anything.
PLANS = "force_generic_plan"

# A server that is gone without a word is noticed within these: what was sent and not confirmed, and
# asking on a line on which nobody speaks.
_LINE = {
    "tcp_user_timeout": 15_000,
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}


def connection_limits() -> dict[str, Any]:
    """Return what holds on this side of the connection."""
    # Only statements whose plan doesn't depend on values are prepared (`core.reads`); without a
    # threshold, psycopg would prepare none. A pooler gives the next transaction another connection,
    # which doesn't know what was prepared on the one before.
    return {**_LINE, "prepare_threshold": None if settings.DATABASE_POOLED else 5}


def startup_options() -> dict[str, Any]:
    """Return what the server is told when the connection is made. A pooler can't pass it on: there
    the database's role has it (docs/operations.md, "PgBouncer")."""
    if settings.DATABASE_POOLED:
        return {}
    given = {name: _milliseconds(seconds) for name, seconds in server_limits().items()}
    given["plan_cache_mode"] = PLANS
    return {"options": " ".join(f"-c {name}={value}" for name, value in given.items())}


def server_limits() -> dict[str, float]:
    """Return how many seconds the server gives this process; 0 for any number."""
    statement = {
        "web": settings.DATABASE_STATEMENT_SECONDS,
        "worker": settings.DATABASE_WORKER_STATEMENT_SECONDS,
        "command": 0.0,
    }
    is_web = role() == "web"
    return {
        "statement_timeout": statement[role()],
        "lock_timeout": settings.DATABASE_LOCK_SECONDS if is_web else _PATIENT_LOCK_SECONDS,
        "idle_in_transaction_session_timeout": _IDLE_IN_TRANSACTION_SECONDS,
    }


def _milliseconds(seconds: float) -> str:
    return f"{round(seconds * 1000)}ms"
