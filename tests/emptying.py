"""Emptying tables, and writing rows, as only a test may: the database refuses it of everybody."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from django.core.management.commands import flush
from django.db import connection, transaction

# Triggers that refuse DELETE and TRUNCATE rest until the transaction ends. Takes a superuser.
UNGUARDED = "SET LOCAL session_replication_role = replica;"
_MADE_BY_MIGRATIONS = {"django_content_type", "auth_permission"}
_LARGE_BYTES = 1 << 20
_ARE_LARGE = """
    SELECT coalesce(max(pg_relation_size(oid)), 0) > %s FROM pg_class
    WHERE relname = ANY(%s) AND relnamespace = current_schema()::regnamespace
"""


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
    """Empty these tables, and whatever refers to them, and give their files back."""
    with unguarded(), connection.cursor() as cursor:
        cursor.execute(_compose_truncate(tables))


def empty_all_tables() -> None:
    """Empty what the product writes to. The types and permissions that migrations made stay."""
    with unguarded(), connection.cursor() as cursor:
        cursor.execute(_compose_emptying())


def let_flush_empty_the_ledger() -> None:
    """Let Django's `flush`, by which a test that commits ends, empty what refuses it. The types and
    permissions that it would make again stay."""
    setattr(flush, "sql_flush", lambda *_, **__: [UNGUARDED, _compose_emptying()])  # noqa: B010
    setattr(flush, "emit_post_migrate_signal", lambda *_, **__: None)  # noqa: B010


def _compose_emptying() -> str:
    """DELETE takes a tenth of TRUNCATE, which makes new files for each table and index; what has
    become large is made small again."""
    tables = {*connection.introspection.django_table_names(only_existing=True, include_views=False)}
    tables -= _MADE_BY_MIGRATIONS
    with connection.cursor() as cursor:
        cursor.execute(_ARE_LARGE, [_LARGE_BYTES, [*tables]])
        (are_large,) = cursor.fetchone()
    if are_large:
        return _compose_truncate(tables)
    return "; ".join(f'DELETE FROM "{table}"' for table in tables)


def _compose_truncate(tables: Iterable[str]) -> str:
    names = ", ".join(f'"{table}"' for table in tables)
    return f"TRUNCATE {names} CASCADE"
