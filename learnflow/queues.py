"""Celery's queues, and which task goes into which: the one place that says so.

Work is parted by what it waits for, as each queue has workers of its own: slow mail servers hold up
mails, and nothing else. Whoever writes a task adds it here (a test tells); whoever adds a queue
adds its worker to `docker-compose.yml` (another one tells).
"""

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from kombu import Queue

from core.starting import stop_start

# Each queue, and how many processes its worker has where nothing else is said.
PROCESSES: dict[str, int] = {
    # What is paid for: Stripe's events, settlement, refunds, and what follows from these.
    "money": 3,
    # What somebody waits for who learns: certificates, and what else follows from what people did,
    # such as receipts. It may wait for purchases, and none for it.
    "learning": 1,
    # Everything that speaks to the mail server.
    "mail": 2,
    # Upkeep: counting, pruning, comparing. Nobody waits for it.
    "bulk": 1,
}
# What is done besides leaves the processors to purchases: they are nobody's for long.
# Each ten leave a tenth; the kernel starves none.
NICENESS: dict[str, int] = {"money": 0, "learning": 10, "mail": 15, "bulk": 15}
DEFAULT = "bulk"
# Where the version before these queues sends everything. Taken along by the worker of `DEFAULT`, so
# that nothing is left lying after a deployment.
FORMER = "celery"

TASKS: dict[str, str] = {
    "payments.tasks.handle_stripe_events": "money",
    "payments.tasks.poll_stripe_events": "money",
    "payments.tasks.reconcile_payments": "money",
    "payments.tasks.send_due_refunds": "money",
    "payments.tasks.expire_orders": "money",
    "payments.tasks.send_due_payouts": "bulk",
    "payments.tasks.plan_payouts": "bulk",
    "payments.tasks.look_at_payout_accounts": "bulk",
    "payments.tasks.fold_balances": "bulk",
    "payments.tasks.read_stripe_balance": "bulk",
    "payments.tasks.book_missing": "bulk",
    "payments.tasks.repair_access": "bulk",
    "payments.tasks.compare_with_stripe": "bulk",
    "payments.tasks.prune_stripe_events": "bulk",
    "enrollments.tasks.issue_missing_certificates": "learning",
    "notifications.tasks.send_due_emails": "mail",
    "notifications.tasks.forget_secrets": "bulk",
    "courses.tasks.add_up_searches": "bulk",
    "courses.tasks.refresh_search": "bulk",
    "courses.tasks.recount_stats": "bulk",
    "courses.tasks.discard_lesson_files": "bulk",
    "users.tasks.prune_sessions": "bulk",
    "core.tasks.prune": "bulk",
    # These two go into the queue that they are called for.
    "core.tasks.deliver_outbox": "learning",
    "core.tasks.run_job": "bulk",
}


def declare_queues() -> list[Queue]:
    """Return every queue there is, for Celery."""
    return [Queue(name) for name in (*PROCESSES, FORMER)]


def consumed_by(queue: str) -> list[str]:
    """Return what the worker of a queue takes from."""
    return [queue, FORMER] if queue == DEFAULT else [queue]


def niceness_of(queues: Sequence[str]) -> int:
    """Return how far a worker of these queues steps back behind other processes."""
    return min((NICENESS[name] for name in queues if name in NICENESS), default=0)


def worker_arguments(group: str, processes: str = "") -> list[str]:
    """Return what to start `celery worker` with for a queue, or for several with commas between
    them, which then wait for each other. `processes` says otherwise how many it has. Raises
    ValueError for a queue that there isn't."""
    names = group.split(",")
    if unknown := ", ".join(name for name in names if name not in PROCESSES):
        raise ValueError(f"there is no queue {unknown}: the queues are {', '.join(PROCESSES)}")
    processes = processes or str(max(PROCESSES[name] for name in names))
    taken = [queue for name in names for queue in consumed_by(name)]
    return ["--queues", ",".join(taken), "--hostname", f"{'+'.join(names)}@%h",
            "--concurrency", processes]  # fmt: skip


def split_groups(text: str) -> list[str]:
    """Return the groups of `WORKER_GROUPS`, such as "money learning,mail,bulk", each of which has a
    worker. Raises ValueError unless every queue is in exactly one."""
    groups = text.split()
    if sorted(",".join(groups).split(",")) != sorted(PROCESSES):
        raise ValueError(f"WORKER_GROUPS must name each of {', '.join(PROCESSES)} once: {text!r}")
    return groups


def route(
    name: str,
    args: Sequence[Any] | None,
    kwargs: Mapping[str, Any] | None,
    options: Mapping[str, Any],
    task: Any = None,
    **_: Any,
) -> dict[str, str]:
    """Celery's router: the queue a call names for itself, else the one of its task."""
    queue = (kwargs or {}).get("queue") or TASKS.get(name, DEFAULT)
    return {"queue": queue if queue in PROCESSES else DEFAULT}


def _print_arguments(groups: Sequence[str]) -> None:
    """For shells: the arguments of the worker of a group; without one, of one of all queues."""
    group = groups[0] if groups else ",".join(PROCESSES)
    try:
        print(*worker_arguments(group, os.environ.get("WORKER_CONCURRENCY", "")))  # noqa: T201
    except ValueError as exc:
        stop_start([str(exc)])


if __name__ == "__main__":
    _print_arguments(sys.argv[1:])
