"""The pool of connections, one for each of the server's threads."""

import functools
import os
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool

THREADS = 4

Row = tuple[Any, ...]


def fetch(query: str, parameters: Mapping[str, object]) -> list[Row]:
    """Return the rows of one statement, sent as a prepared one from its sixth use on."""
    with _pool().connection() as connection:
        return connection.execute(query, parameters).fetchall()


def fetch_one(query: str, parameters: Mapping[str, object]) -> Row | None:
    """Return the only row of one statement, or None."""
    with _pool().connection() as connection:
        return connection.execute(query, parameters).fetchone()


@functools.cache
def _pool() -> ConnectionPool:
    """Opened at the first request: connections must not be made before gunicorn forks."""
    return ConnectionPool(
        os.environ["DATABASE_URL"],
        min_size=THREADS,
        max_size=THREADS,
        kwargs={"autocommit": True, "prepare_threshold": 5},
        configure=_configure,
        open=True,
    )


def _configure(connection: psycopg.Connection) -> None:
    # What to read depends on the values: "the rarest level" and "any price" want other indexes.
    connection.execute("SET plan_cache_mode = force_custom_plan")
