"""The pool of connections, one for each of the server's threads."""

import functools
import os
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool

THREADS = 4
# Each ordering with each page size is a statement of its own.
_PREPARED = 1_000

Row = tuple[Any, ...]


def fetch(query: str, parameters: Mapping[str, object], *, planned: bool = True) -> list[Row]:
    """Return the rows of one statement.

    A `planned` one is prepared after its fifth use, with one plan for whatever the values are. One
    whose best plan depends on them (the rarest level wants another index than any price) is to be
    sent with its values in it, and planned each time.
    """
    with _pool().connection() as connection:
        if planned:
            return connection.execute(query, parameters).fetchall()
        return psycopg.ClientCursor(connection).execute(query, parameters).fetchall()


def fetch_one(query: str, parameters: Mapping[str, object], *, planned: bool = True) -> Row | None:
    """Return the only row of one statement, or None."""
    rows = fetch(query, parameters, planned=planned)
    return rows[0] if rows else None


@functools.cache
def _pool() -> ConnectionPool:
    """Opened at the first request: connections must not be made before gunicorn forks."""
    return ConnectionPool(
        os.environ["DATABASE_URL"],
        min_size=THREADS,
        max_size=THREADS,
        kwargs={"autocommit": True},
        configure=_configure,
        open=True,
    )


def _configure(connection: psycopg.Connection) -> None:
    connection.prepared_max = _PREPARED
    connection.execute("SET plan_cache_mode = force_generic_plan")
