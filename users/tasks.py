"""Housekeeping for Celery. May run twice or at once."""

from celery import shared_task

from users import services


@shared_task
def prune_sessions() -> int:
    """Delete sessions that have expired."""
    return services.prune_sessions()
