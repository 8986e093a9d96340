"""What beat sets off: sweeps, again and again, and jobs, by the clock. Both only look whether there
is anything to do; rows in PostgreSQL decide."""

from typing import Any

from core.clock import Job, daily, hourly
from learnflow import queues

# How often somebody looks whether a job is due.
JOBS_LOOKED_AT = 60.0

SWEEPS: dict[str, dict[str, Any]] = {
    **{
        f"sweep-outbox-{name}": {
            "task": "core.tasks.deliver_outbox",
            "schedule": 3.0,
            "kwargs": {"queue": name},
        }
        for name in queues.PROCESSES
    },
    "sweep-emails": {"task": "notifications.tasks.send_due_emails", "schedule": 3.0},
    "sweep-stripe-events": {"task": "payments.tasks.handle_stripe_events", "schedule": 5.0},
    "reconcile-payments": {"task": "payments.tasks.reconcile_payments", "schedule": 15.0},
    "poll-stripe-events": {"task": "payments.tasks.poll_stripe_events", "schedule": 30.0},
    "read-stripe-balance": {"task": "payments.tasks.read_stripe_balance", "schedule": 60.0},
    # The daily comparison, some seconds at a time: its own rows say how far it is.
    "compare-with-stripe": {"task": "payments.tasks.compare_with_stripe", "schedule": 30.0},
    "send-due-refunds": {"task": "payments.tasks.send_due_refunds", "schedule": 10.0},
    "expire-orders": {"task": "payments.tasks.expire_orders", "schedule": 60.0},
    "send-due-payouts": {"task": "payments.tasks.send_due_payouts", "schedule": 10.0},
    "look-at-payout-accounts": {
        "task": "payments.tasks.look_at_payout_accounts",
        "schedule": 60.0,
    },
    "issue-certificates": {
        "task": "enrollments.tasks.issue_missing_certificates",
        "schedule": 10.0,
    },
    "fold-balances": {"task": "payments.tasks.fold_balances", "schedule": 60.0},
    "add-up-searches": {"task": "courses.tasks.add_up_searches", "schedule": 60.0},
}

# At different times, as one worker does them all.
JOBS: dict[str, Job] = {
    "plan-payouts": hourly("payments.tasks.plan_payouts", minute=2),
    "book-missing": hourly("payments.tasks.book_missing", minute=12),
    "repair-access": hourly("payments.tasks.repair_access", minute=17),
    "refresh-search": hourly("courses.tasks.refresh_search", minute=22),
    "prune-stripe-events": hourly("payments.tasks.prune_stripe_events", minute=32),
    "prune-outbox": hourly("core.tasks.prune", minute=37),
    "prune-sessions": hourly("users.tasks.prune_sessions", minute=42),
    "forget-mailed-secrets": hourly("notifications.tasks.forget_secrets", minute=47),
    "recount-stats": daily("courses.tasks.recount_stats", hour=3, minute=10),
    "discard-lesson-files": daily("courses.tasks.discard_lesson_files", hour=3, minute=40),
}


def plan_beat() -> dict[str, dict[str, Any]]:
    """Return Celery's schedule. What nobody took before it comes again says nothing new, and
    expires: a worker that comes back after an hour finds one of each, not a thousand."""
    looks = {
        f"job-{name}": {
            "task": "core.tasks.run_job",
            "schedule": JOBS_LOOKED_AT,
            "kwargs": {"job": name, "queue": queues.TASKS[job.task]},
        }
        for name, job in JOBS.items()
    }
    return {
        name: {**entry, "options": {"expires": entry["schedule"]}}
        for name, entry in (SWEEPS | looks).items()
    }
