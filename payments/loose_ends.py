"""Working off what transactions left undone (`LooseEnd`): as many rows as there are such, whatever
has been done right so far."""

import uuid
from collections.abc import Callable, Collection, Sequence
from typing import Final

from django.db import connection

from payments.models import LooseEnd

Kind = LooseEnd.Kind

_FIND: Final = (
    "SELECT object_id FROM payments_looseend_now WHERE kind = %(kind)s AND object_id = ANY(%(ids)s)"
)
_NOTE_ALL: Final = """
    INSERT INTO payments_looseend (kind, object_id)
    SELECT kind, object_id FROM payments_looseend_now found
    WHERE kind = ANY(%(kinds)s) AND NOT EXISTS (
        SELECT FROM payments_looseend noted
        WHERE noted.kind = found.kind AND noted.object_id = found.object_id
    )
    ORDER BY since, object_id
"""


def note_all(*, kinds: Sequence[Kind]) -> int:
    """Go through all that there is and note what is undone; returns how much wasn't noted. What
    takes as long as there is history: it finds what was written past the database's triggers, and
    what the caller's own transaction has just written."""
    with connection.cursor() as cursor:
        cursor.execute(_NOTE_ALL, {"kinds": [kind.value for kind in kinds]})
        return int(cursor.rowcount)


def find(kind: Kind, ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Return which of these are undone now."""
    with connection.cursor() as cursor:
        cursor.execute(_FIND, {"kind": kind.value, "ids": list(ids)})
        return {row[0] for row in cursor.fetchall()}


def work_off(
    *,
    kind: Kind,
    work: Callable[[list[uuid.UUID]], int],
    at_once: int,
    limit: int | None = None,
    keep: Callable[[Collection[uuid.UUID]], set[uuid.UUID]] | None = None,
) -> int:
    """Hand what is undone of this kind to `work`, so many at once and `limit` in all, noted first
    first; returns the sum of what it returns.

    What isn't undone afterwards (`keep` says which is) is forgotten, and the rest stays for the
    next time. A note made meanwhile is another one, so that none is forgotten unseen.
    """
    done, last, left = 0, 0, limit
    while left is None or left > 0:
        size = at_once if left is None else min(at_once, left)
        notes = list(
            LooseEnd.objects.filter(kind=kind, id__gt=last)
            .order_by("id")
            .values_list("id", "object_id")[:size]
        )
        if not notes:
            break
        last = notes[-1][0]
        undone = find(kind, {object_id for _, object_id in notes})
        ids = [object_id for object_id in dict.fromkeys(row[1] for row in notes)
               if object_id in undone]  # fmt: skip
        kept: set[uuid.UUID] = set()
        if ids:
            done += work(ids)
            kept = (keep or (lambda worked: find(kind, worked)))(ids)
        over = [note for note, object_id in notes if object_id not in kept]
        LooseEnd.objects.filter(id__in=over).delete()
        left = None if left is None else left - len(ids)
    return done
