"""Writing what search reads."""

import json
import uuid
from collections.abc import Collection

from django.db import connection, transaction

from courses.search.postgres import sql

BATCH = 500

_CONFIGURATIONS = json.dumps(sql.CONFIGURATIONS)


def refresh(course_ids: Collection[uuid.UUID]) -> int:
    """Bring the entries of these courses up to date, and the words they bring; returns how many
    entries were written. Locks the courses in key order; one whose words are the same costs no
    write."""
    if not course_ids:
        return 0
    values = {"ids": sorted(course_ids), "configurations": _CONFIGURATIONS}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql.LOCK, values)
        cursor.execute(sql.FORGET, values)
        forgotten = cursor.rowcount
        cursor.execute(sql.WRITE, values)
        written = len(cursor.fetchall())
        if written:
            cursor.execute(sql.LEARN, values)
    return forgotten + written


def refresh_stale() -> int:
    """Refresh all entries that are missing or say something else than their course by now; returns
    how many. The net below the services."""
    with connection.cursor() as cursor:
        cursor.execute(sql.STALE, {"configurations": _CONFIGURATIONS})
        stale = [row[0] for row in cursor.fetchall()]
    return sum(refresh(stale[start : start + BATCH]) for start in range(0, len(stale), BATCH))


def recount_terms() -> int:
    """Count anew in how many titles each word is, which decides between two corrections; returns
    how many counts changed."""
    with connection.cursor() as cursor:
        cursor.execute(sql.RECOUNT)
        return int(cursor.rowcount)
