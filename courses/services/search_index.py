"""What search reads: kept beside the courses, written by every service that changes their words."""

import uuid
from collections.abc import Collection

from courses.search.engine import get_engine
from courses.search.popular import add_up_searches, record_search

__all__ = [
    "add_up_searches",
    "record_search",
    "refresh_search",
    "refresh_stale_search",
]


def refresh_search(*, course_ids: Collection[uuid.UUID]) -> None:
    """Let search find these courses as they are now, and not find those that aren't published.
    Locks them in key order; costs no write for a course whose words are the same."""
    get_engine().reindex(course_ids=course_ids)


def refresh_stale_search() -> int:
    """Refresh the courses that search knows otherwise than they are by now; returns how many. The
    hourly net below the services: learners come and go without telling search."""
    return get_engine().reindex(course_ids=None)
