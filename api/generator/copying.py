"""Writes rows by COPY, a few thousand of a table at a time, in whatever order they come."""

from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, Self

from django.db import connection
from django.db.models import Field, Model

# Rows kept per table before they are sent: some megabytes in all, however large the marketplace.
BATCH = 10_000

Row = tuple[str | int | bool | None, ...]


class TableCopy:
    """Rows on their way into one table.

    A row has the values of `fields` (model fields by name, foreign keys by attname) in that order;
    text, whole numbers and truth values as they are, everything else as PostgreSQL's text. Fields
    that aren't named get their model's default; generated ones come by themselves.
    """

    def __init__(self, model: type[Model], fields: Sequence[str]) -> None:
        self.model = model
        self.count = 0
        by_name = {field.attname: field for field in model._meta.concrete_fields}
        named = [by_name[name] for name in fields]
        others = [f for f in by_name.values() if f not in named and _needs_value(f)]
        self._constants: Row = tuple(_default(field) for field in others)
        columns = ", ".join(_quote(field.get_attname_column()[1]) for field in (*named, *others))
        self._statement = f"COPY {_quote(model._meta.db_table)} ({columns}) FROM STDIN"
        self._rows: list[Row] = []

    def add(self, row: Row) -> None:
        """Take a row. It is written by the time that the `with` block of its `Copies` ends."""
        self._rows.append(row)
        if len(self._rows) >= BATCH:
            self.flush()

    def flush(self) -> None:
        """Write the rows taken so far. Raises the database's error if one isn't acceptable."""
        if not self._rows:
            return
        with connection.cursor() as cursor, cursor.copy(self._statement) as copy:
            for row in self._rows:
                copy.write_row(row + self._constants)
        self.count += len(self._rows)
        self._rows.clear()


class Copies:
    """The tables being written. Leaving the `with` block without an error writes what is left.

    Rows of several tables are written in no particular order: foreign keys must be deferred
    or away.
    """

    def __init__(self) -> None:
        self._tables: list[TableCopy] = []

    def open(self, model: type[Model], *fields: str) -> TableCopy:
        """Return a new `TableCopy` for these fields of the model."""
        table = TableCopy(model, fields)
        self._tables.append(table)
        return table

    def __iter__(self) -> Iterator[TableCopy]:
        return iter(self._tables)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            for table in self._tables:
                table.flush()


def _quote(name: str | None) -> str:
    return connection.ops.quote_name(name or "")


def _needs_value(field: "Field[Any, Any]") -> bool:
    return not (field.generated or field.null or field.has_db_default())


def _default(field: "Field[Any, Any]") -> Any:
    return field.get_db_prep_save(field.get_default(), connection)
