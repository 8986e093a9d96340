"""Puts indexes and constraints aside while rows are loaded, and makes them anew afterwards.

Building an index from a full table takes a fraction of keeping it up row by row, and a foreign key
checked by one join a fraction of checking each row. All of it is part of the caller's transaction:
whatever happens, the tables are as they were or complete.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import connection

from api.generator.progress import Progress

# Primary keys stay: rows come in their order, and foreign keys of other tables stand on them.
_CONSTRAINTS = """
    SELECT format('ALTER TABLE %%s DROP CONSTRAINT %%I', conrelid::regclass, conname),
           format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s',
                  conrelid::regclass, conname, pg_get_constraintdef(oid))
    FROM pg_constraint
    WHERE conrelid = ANY(%(tables)s::regclass[]) AND contype = %(kind)s
      AND NOT (contype = 'u' AND EXISTS (
          SELECT FROM pg_constraint AS other
          WHERE other.contype = 'f' AND other.conindid = pg_constraint.conindid))
    ORDER BY conrelid::regclass::text, conname
"""
_INDEXES = """
    SELECT format('DROP INDEX %%s', indexrelid::regclass), pg_get_indexdef(indexrelid)
    FROM pg_index
    WHERE indrelid = ANY(%(tables)s::regclass[])
      AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND conrelid = indrelid)
    ORDER BY indexrelid::regclass::text
"""


@dataclass(frozen=True, slots=True)
class _Object:
    drop: str
    create: str


@contextmanager
def put_aside(*, tables: Collection[str], progress: Progress) -> Iterator[None]:
    """Drop the tables' indexes, unique constraints and foreign keys, and make them anew at the end.

    Call it in a transaction: it locks the tables against everybody until that ends, and an error
    inside leaves the restoring to the rollback. Triggers of the tables don't fire meanwhile.
    Raises IntegrityError at the end when the rows break a constraint.
    """
    names = sorted(tables)
    foreign = _read(_CONSTRAINTS, names, kind="f")
    objects = [*_read(_CONSTRAINTS, names, kind="u"), *_read(_INDEXES, names), *foreign]
    _run([found.drop for found in reversed(objects)])
    _run([f"ALTER TABLE {table} DISABLE TRIGGER USER" for table in names])
    yield
    with progress.step("Indexes and constraints", total=len(objects)) as advance:
        for found in objects:
            _run([found.create])
            advance(1)
    _run([f"ALTER TABLE {table} ENABLE TRIGGER USER" for table in names])


def _read(query: str, tables: list[str], kind: str | None = None) -> list[_Object]:
    with connection.cursor() as cursor:
        cursor.execute(query, {"tables": tables, "kind": kind})
        return [_Object(drop=row[0], create=row[1]) for row in cursor.fetchall()]


def _run(statements: Sequence[str]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
