"""Writing many rows by one statement."""

import re
from collections.abc import Collection, Sequence
from typing import Any

from django.db import connection, models

_BOUNDS = re.compile(r"\(.*\)")


def update_each(rows: Collection[models.Model], *, fields: Sequence[str]) -> None:
    """Write these fields of rows of one model, each its own values, by one statement; none takes
    none. As `bulk_update`, at a tenth of its processor time: that writes a case for each value.

    Nothing is set by itself, as `updated_at` is by `save`. The caller holds the rows' locks.
    """
    if not rows:
        return
    model = type(next(iter(rows)))
    by_name = {field.name: field for field in model._meta.concrete_fields}
    # The key comes first.
    chosen = [by_name[name] for name in (model._meta.pk.name, *fields)]
    names = [_quote(str(field.column)) for field in chosen]
    statement = (
        f"UPDATE {_quote(model._meta.db_table)} AS old "  # noqa: S608 - names of our own models
        f"SET {', '.join(f'{name} = new.{name}' for name in names[1:])} "
        f"FROM unnest({', '.join(_array_of(field) for field in chosen)}) "
        f"AS new ({', '.join(names)}) WHERE old.{names[0]} = new.{names[0]}"
    )
    columns = [[_value_of(row, field) for row in rows] for field in chosen]
    with connection.cursor() as cursor:
        cursor.execute(statement, columns)


def _quote(name: str) -> str:
    return connection.ops.quote_name(name)


def _array_of(field: models.Field[Any, Any]) -> str:
    """A place for values of the column's type, without its bounds: a cast would cut or round to
    them what the column refuses."""
    return f"%s::{_BOUNDS.sub('', str(field.rel_db_type(connection)))}[]"


def _value_of(row: models.Model, field: models.Field[Any, Any]) -> Any:
    return field.get_db_prep_save(getattr(row, field.attname), connection)
