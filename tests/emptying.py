"""Emptying tables as only a test may: the ledger's and the documents' refuse it of everybody."""

from collections.abc import Iterable
from typing import Any

from django.core.management.commands import flush
from django.core.management.sql import sql_flush
from django.db import connection, transaction

# Triggers that refuse TRUNCATE rest until the transaction ends. Takes a superuser.
UNGUARDED = "SET LOCAL session_replication_role = replica;"


def truncate(tables: Iterable[str]) -> None:
    """Empty these tables, and whatever refers to them."""
    names = ", ".join(f'"{table}"' for table in tables)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(UNGUARDED)
        cursor.execute(f"TRUNCATE {names} CASCADE")
        # The transaction may be a test's own, which goes on.
        cursor.execute("SET LOCAL session_replication_role = origin")


def let_flush_empty_the_ledger() -> None:
    """Let Django's `flush`, by which a test that commits ends, empty what refuses it."""

    def sql_flush_unguarded(*given: Any, **options: Any) -> list[str]:
        return [UNGUARDED, *sql_flush(*given, **options)]

    setattr(flush, "sql_flush", sql_flush_unguarded)  # noqa: B010 - a name the types don't know
