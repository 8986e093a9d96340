"""Keeping what a comparison found: open once, resolved when it is gone."""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping

from django.db import transaction
from django.utils import timezone

from core import outbox
from payments.events import PayoutsHeld
from payments.models import ReconciliationDifference, ReconciliationRun
from payments.selectors.concerned import find_earners
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
        earners = {found.kind: _earners_of(object_id, found) for found in left}
        _update([rows[found.kind] for found in left if found.kind in rows], left, now, earners)
        new = [*healed, *(found for found in left if found.kind not in rows)]
        made = ReconciliationDifference.objects.bulk_create(
            [
                ReconciliationDifference(
                    kind=found.kind,
                    object_type=object_type,
                    object_id=object_id,
                    ours=found.ours[:200],
                    theirs=found.theirs[:200],
                    earners=earners.get(found.kind, []),
                    found_by=run,
                    last_seen_at=now,
                    resolved_at=None if found.kind in still else now,
                    healed=found.kind not in still,
                )
                for found in new
            ],
            # Another run may have opened the same one at this moment.
            ignore_conflicts=True,
        )
        _tell_held([row for row in made if row.resolved_at is None and row.earners])
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


def _earners_of(object_id: str, found: Found) -> list[str]:
    names = [object_id, *found.concerns] if found.holds else []
    return sorted(map(str, find_earners(names=names)))


def _tell_held(rows: Iterable[ReconciliationDifference]) -> None:
    """Tell of differences that hold somebody's payouts from now on."""
    for row in rows:
        outbox.record(PayoutsHeld(difference_id=row.id))


def _update(
    rows: list[ReconciliationDifference],
    left: Collection[Found],
    now: dt.datetime,
    earners: Mapping[ReconciliationDifference.Kind, list[str]],
) -> None:
    """Whom one was about it is about until it is resolved: each look may see another part."""
    told = {found.kind: found for found in left}
    for row in rows:
        found = told[ReconciliationDifference.Kind(row.kind)]
        row.ours, row.theirs, row.last_seen_at = found.ours[:200], found.theirs[:200], now
        held_nobody = not row.earners
        row.earners = sorted({*row.earners, *earners[found.kind]})
        row.save(update_fields=["ours", "theirs", "last_seen_at", "earners", "updated_at"])
        if held_nobody and row.earners:
            _tell_held([row])
