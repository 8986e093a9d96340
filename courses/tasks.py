"""Upkeep of the catalogue for Celery. May run twice or at once."""

from celery import shared_task

from courses import services


@shared_task
def recount_stats() -> int:
    """Repair counters, shelf counts and search words that drifted; returns how many counters."""
    services.recount_categories()
    services.refresh_stale_search()
    return len(services.recount_stats())
