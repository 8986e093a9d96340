"""Inserts rows that happened in the past."""

from collections.abc import Sequence
from typing import TypeVar

from django.db.models import Model

M = TypeVar("M", bound=Model)

BATCH = 500


def insert_dated(
    model: type[M], rows: Sequence[M], *, dates: tuple[str, ...] = ("created_at", "updated_at")
) -> None:
    """Insert the rows and keep the times they carry in `dates`.

    `auto_now_add` replaces such times by the present at every insertion, hence the second step.
    """
    kept = [{name: getattr(row, name) for name in dates} for row in rows]
    model._default_manager.bulk_create(rows, batch_size=BATCH)
    for row, times in zip(rows, kept, strict=True):
        for name, moment in times.items():
            setattr(row, name, moment)
    model._default_manager.bulk_update(rows, dates, batch_size=BATCH)
