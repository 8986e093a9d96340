"""The order of sections in a course and of lessons in a section: always 1, 2, 3 …"""

import uuid
from collections.abc import Sequence

from django.db import connection

from core.errors import Invalid
from courses.models import Curriculum, Lesson

# Uniqueness is checked at the commit, so positions may change hands within one statement.
_RENUMBER = """
    UPDATE {table} AS row SET "order" = place.position, updated_at = now()
    FROM unnest(%s::uuid[]) WITH ORDINALITY AS place (id, position)
    WHERE row.id = place.id AND row."order" <> place.position
"""


def renumber(model: type[Curriculum] | type[Lesson], ids: Sequence[uuid.UUID]) -> None:
    """Give the rows the positions in which their ids stand, in one statement. The caller holds the
    course's lock, and names every row of the course or section."""
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(_RENUMBER.format(table=table), [list(ids)])


def require_same_ids(*, given: Sequence[uuid.UUID], present: Sequence[uuid.UUID]) -> None:
    """Raise Invalid, saying what is wrong, unless `given` names each of `present` exactly once."""
    faults = []
    if len(set(given)) < len(given):
        faults.append("Each id may come once only.")
    if unknown := set(given) - set(present):
        faults.append(f"Not among them: {_name(unknown)}.")
    if missing := set(present) - set(given):
        faults.append(f"Missing: {_name(missing)}.")
    if faults:
        raise Invalid("A value is not acceptable", order=faults)


def put_at(ids: Sequence[uuid.UUID], row_id: uuid.UUID, position: int) -> list[uuid.UUID]:
    """Return the ids with this one at the position (1 is the first), or last when it is beyond."""
    others = [key for key in ids if key != row_id]
    others.insert(position - 1, row_id)
    return others


def _name(ids: set[uuid.UUID]) -> str:
    return ", ".join(str(key) for key in sorted(ids)[:10])
