"""Outbox and clock work for Celery. Each may run twice or at once."""

from celery import shared_task

from core import idempotency, jobs, outbox


@shared_task
def deliver_outbox(queue: str | None = None) -> int:
    """Deliver what is due of one queue, or of all (nudged after commits, swept by beat)."""
    return outbox.deliver_due(queue=queue)


@shared_task
def run_job(job: str, queue: str) -> bool:
    """Do a job if it is due, in the queue of its task; `queue` is only for the router."""
    return jobs.run_if_due(name=job)


@shared_task
def prune() -> None:
    """Drop delivered events, old idempotency keys and old runs of jobs."""
    outbox.prune_delivered()
    idempotency.prune_records()
    jobs.prune_runs()
