"""Emptying tables, and writing rows, as only a test may: the database refuses it of everybody."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.commands import flush
from django.core.management.sql import sql_flush
from django.db import connection, transaction

# Triggers that refuse TRUNCATE rest until the transaction ends. Takes a superuser.
UNGUARDED = "SET LOCAL session_replication_role = replica;"


@contextmanager
def unguarded() -> Iterator[None]:
    """Let rows be written that triggers refuse of everybody, as by somebody who switched them off;
    all of it or nothing."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(UNGUARDED)
        yield
        # The transaction may be a test's own, which goes on.
        cursor.execute("SET LOCAL session_replication_role = origin")


def truncate(tables: Iterable[str]) -> None:
    """Empty these tables, and whatever refers to them."""
    names = ", ".join(f'"{table}"' for table in tables)
    with unguarded(), connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {names} CASCADE")


def let_flush_empty_the_ledger() -> None:
    """Let Django's `flush`, by which a test that commits ends, empty what refuses it."""

    def sql_flush_unguarded(*given: Any, **options: Any) -> list[str]:
        return [UNGUARDED, *sql_flush(*given, **options)]

    setattr(flush, "sql_flush", sql_flush_unguarded)  # noqa: B010 - a name the types don't know
