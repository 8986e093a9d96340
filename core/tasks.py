"""Outbox work for Celery. Each may run twice or at once."""

from celery import shared_task

from core import idempotency, outbox


@shared_task
def deliver_outbox(queue: str | None = None) -> int:
    """Deliver what is due of one queue, or of all (nudged after commits, swept by beat)."""
    return outbox.deliver_due(queue=queue)


@shared_task
def prune() -> None:
    """Drop delivered events and old idempotency keys."""
    outbox.prune_delivered()
    idempotency.prune_records()
