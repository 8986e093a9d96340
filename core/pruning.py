"""Deletes what has had its time, a little at once: nobody waits long for the rows' locks, and a
backlog of millions takes several runs rather than one that never ends."""

import datetime as dt
import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import QuerySet

T = TypeVar("T")
Clock = Callable[[], float]

BATCH = 500
# Well below the soft time limit of a task, as one task may prune several tables.
BUDGET = dt.timedelta(seconds=10)


def prune(
    rows: QuerySet[Any],
    *,
    batch: int = BATCH,
    budget: dt.timedelta = BUDGET,
    clock: Clock = time.monotonic,
) -> int:
    """Delete the rows, in transactions of up to `batch` of them; returns how many went, with what
    hangs on them. No new batch begins once the budget is spent: the next run goes on. Rows that
    somebody holds are left for it too, rather than waited for. Within a transaction the locks of
    all batches are held until its end: tasks call this outside of any."""
    total = 0
    for _ in while_time_lasts(itertools.count(), budget=budget, clock=clock):
        deleted = _delete_some(rows, batch)
        total += deleted
        if not deleted:
            break
    return total


def while_time_lasts(
    items: Iterable[T], *, budget: dt.timedelta = BUDGET, clock: Clock = time.monotonic
) -> Iterator[T]:
    """Yield the items, the first in any case, and no more once the budget is spent."""
    end = clock() + budget.total_seconds()
    for item in items:
        yield item
        if clock() >= end:
            return


def _delete_some(rows: QuerySet[Any], batch: int) -> int:
    # In no order: with one, each batch would first sort all that is to go.
    some = rows.order_by().select_for_update(skip_locked=True, of=("self",))[:batch]
    with transaction.atomic():
        keys = [row.pk for row in some.only("pk")]
        return rows.model._default_manager.filter(pk__in=keys).delete()[0] if keys else 0
