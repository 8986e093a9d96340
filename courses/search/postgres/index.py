"""Writing what search reads."""

import json
import uuid
from collections.abc import Collection
from typing import Any

from django.db import connection, transaction

from courses.search.postgres import sql

BATCH = 500

_LANGUAGES = {
    "configurations": json.dumps(sql.CONFIGURATIONS),
    "own_names": json.dumps(sql.OWN_NAMES),
}


def refresh(course_ids: Collection[uuid.UUID]) -> int:
    """Bring the entries of these courses up to date, and the words they bring; returns how many
    entries were written. Locks the courses in key order; one whose words are the same costs no
    write."""
    if not course_ids:
        return 0
    values: dict[str, Any] = {"ids": sorted(course_ids), **_LANGUAGES}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql.LOCK, values)
        cursor.execute(sql.FORGET, values)
        forgotten = int(cursor.rowcount)
        cursor.execute(sql.WRITE, values)
        written = len(cursor.fetchall())
        if written:
            cursor.execute(sql.LEARN, values)
    return forgotten + written


def refresh_stale() -> int:
    """Refresh all entries that are missing or say something else than their course by now; returns
    how many. The net below the services."""
    with connection.cursor() as cursor:
        cursor.execute(sql.STALE, _LANGUAGES)
        stale = [row[0] for row in cursor.fetchall()]
    written = sum(refresh(stale[start : start + BATCH]) for start in range(0, len(stale), BATCH))
    recount_terms()
    return written


def recount_terms() -> None:
    """Count anew in how many titles each word is, which decides between two corrections."""
    with connection.cursor() as cursor:
        cursor.execute(sql.RECOUNT)
