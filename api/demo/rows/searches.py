"""Writes what people searched for on the demo's last day, so that something is popular."""

import datetime as dt
import json
from pathlib import Path

from courses.models import SearchCount

SEARCHES = Path(__file__).resolve().parent.parent / "searches.json"


def create_searches(*, now: dt.datetime) -> None:
    """Create the counts of `searches.json`, which find something each, for the day of `now`."""
    rows = json.loads(SEARCHES.read_text(encoding="utf-8"))
    SearchCount.objects.bulk_create(
        SearchCount(query=row["query"], day=now.date(), found=row["visitors"]) for row in rows
    )
