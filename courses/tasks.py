"""Upkeep of the catalogue for Celery. May run twice or at once."""

from celery import shared_task
from django.utils import timezone

from courses import lesson_files, services


@shared_task
def recount_stats() -> int:
    """Repair shelf counts, what lists read, and the counters of the day's part of the courses,
    where they drifted; returns how many fields of courses. Within as many days in a row as
    `recount.count_parts` says each course has had its turn."""
    services.recount_categories()
    today = timezone.now().date().toordinal()
    return len(services.recount_stats(part=today)) + len(services.sync_listing())


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
