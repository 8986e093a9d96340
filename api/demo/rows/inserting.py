"""Inserts rows that happened in the past."""

from collections.abc import Sequence
from typing import TypeVar

from django.db import connection
from django.db.models import Model

M = TypeVar("M", bound=Model)

BATCH = 500


def insert_dated(
    model: type[M], rows: Sequence[M], *, dates: tuple[str, ...] = ("created_at", "updated_at")
) -> None:
    """Insert the rows and keep the times they carry in `dates`.

    `auto_now_add` replaces such times by the present at every insertion, hence the second step.
    """
    kept = {name: [getattr(row, name) for row in rows] for name in dates}
    model._default_manager.bulk_create(rows, batch_size=BATCH)
    for name, moments in kept.items():
        for row, moment in zip(rows, moments, strict=True):
            setattr(row, name, moment)
    _set_dates(model, rows, dates)


def _set_dates(model: type[M], rows: Sequence[M], dates: tuple[str, ...]) -> None:
    """Write the times in one statement: `bulk_update` takes seconds for what this does at once."""
    quote = connection.ops.quote_name
    columns = [quote(name) for name in dates]
    assignments = ", ".join(f"{column} = moment.{column}" for column in columns)
    arrays = ", ".join(["%s::uuid[]", *("%s::timestamptz[]" for _ in dates)])
    statement = (
        f"UPDATE {quote(model._meta.db_table)} AS row SET {assignments} "  # noqa: S608 (own names)
        f"FROM unnest({arrays}) AS moment(id, {', '.join(columns)}) WHERE row.id = moment.id"
    )
    values = [[row.pk for row in rows], *([getattr(row, name) for row in rows] for name in dates)]
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
