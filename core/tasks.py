"""Outbox work for Celery. Each may run twice or at once."""

from celery import shared_task

from core import idempotency, outbox


@shared_task
def deliver_outbox() -> int:
    """Deliver what is due (nudged after commits, swept by beat)."""
    return outbox.deliver_due()


@shared_task
def prune() -> None:
    """Drop delivered events and old idempotency keys."""
    outbox.prune_delivered()
    idempotency.prune_records()
