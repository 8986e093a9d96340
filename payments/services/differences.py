"""Keeping what a comparison found: open once, resolved when it is gone."""

import datetime as dt
from collections.abc import Collection, Iterable

from django.db import transaction
from django.utils import timezone

from payments.models import ReconciliationDifference, ReconciliationRun
from payments.services.matching import Found


def record_look(
    *,
    run: ReconciliationRun,
    object_type: str,
    object_id: str,
    before: Collection[Found],
    left: Collection[Found],
) -> int:
    """Write down what differed of an object when it was looked at, and what is left of it now;
    returns how many differences were healed in between.

    What is left is open, in the row that it is open in already; an open one that is gone is
    resolved. What was healed on the spot is kept as resolved, for staff to see that it happened.
    """
    now = timezone.now()
    differing = {found.kind for found in before}
    with transaction.atomic():
        rows = {
            row.kind: row
            for row in ReconciliationDifference.objects.filter(
                object_type=object_type, object_id=object_id, resolved_at=None
            )
        }
        still = {found.kind for found in left}
        for kind in rows.keys() - still:
            row = rows.pop(kind)
            row.resolved_at, row.healed = now, kind in differing
            row.save(update_fields=["resolved_at", "healed", "updated_at"])
            differing.discard(kind)
        healed = [found for found in before if found.kind in differing - still]
        _update([rows[found.kind] for found in left if found.kind in rows], left, now)
        new = [*healed, *(found for found in left if found.kind not in rows)]
        ReconciliationDifference.objects.bulk_create(
            (
                ReconciliationDifference(
                    kind=found.kind,
                    object_type=object_type,
                    object_id=object_id,
                    ours=found.ours[:200],
                    theirs=found.theirs[:200],
                    found_by=run,
                    last_seen_at=now,
                    resolved_at=None if found.kind in still else now,
                    healed=found.kind not in still,
                )
                for found in new
            ),
            # Another run may have opened the same one at this moment.
            ignore_conflicts=True,
        )
    return len({found.kind for found in before} - still)


def list_open_ids(*, object_type: str, object_ids: Iterable[str]) -> set[str]:
    """Return which of these objects have an open difference."""
    rows = ReconciliationDifference.objects.filter(
        object_type=object_type, object_id__in=list(object_ids), resolved_at=None
    )
    return set(rows.values_list("object_id", flat=True))


def is_reported(*, run: ReconciliationRun, object_type: str, object_id: str) -> bool:
    """Return whether this run saw an open difference of the object."""
    rows = ReconciliationDifference.objects.filter(
        object_type=object_type, object_id=object_id, resolved_at=None
    )
    return rows.filter(last_seen_at__gte=run.created_at).exists()


def list_unseen_ids(*, object_type: str, since: dt.datetime) -> list[str]:
    """Return the objects whose open differences nobody has seen since then."""
    rows = ReconciliationDifference.objects.filter(
        object_type=object_type, resolved_at=None, last_seen_at__lt=since
    )
    return sorted(set(rows.values_list("object_id", flat=True)))


def _update(
    rows: list[ReconciliationDifference], left: Collection[Found], now: dt.datetime
) -> None:
    told = {found.kind: found for found in left}
    for row in rows:
        found = told[ReconciliationDifference.Kind(row.kind)]
        row.ours, row.theirs, row.last_seen_at = found.ours[:200], found.theirs[:200], now
        row.save(update_fields=["ours", "theirs", "last_seen_at", "updated_at"])
