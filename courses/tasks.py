"""Upkeep of the catalogue for Celery. May run twice or at once."""

from celery import shared_task

from core import jobs
from courses import lesson_files, services


@shared_task
def recount_stats() -> int:
    """Repair shelf counts, what lists read, and the counters of a part of the courses, by the day
    it was due, where they drifted; returns how many fields of courses. Within as many days in a row
    as `recount.count_parts` says each course has had its turn."""
    services.recount_categories()
    day = jobs.due_at().date().toordinal()
    return len(services.recount_stats(part=day)) + len(services.sync_listing())


@shared_task
def add_up_searches() -> int:
    """Add what people searched for to what is known of it; returns how many queries."""
    return services.add_up_searches()


@shared_task
def discard_lesson_files() -> int:
    """Delete the files that no lesson names any more; returns how many."""
    return lesson_files.discard_unnamed()


@shared_task
def refresh_search() -> int:
    """Refresh what search knows otherwise than it is by now; returns how many courses."""
    return services.refresh_stale_search()
