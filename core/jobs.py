"""Daily and hourly work, by the clock: once in each period, however many beats and workers there
are, and when nobody was there at its time, once as soon as somebody is.

The rows decide. Beat only has somebody look, every minute, so that it may be started anew as often
as one likes; a deployment neither puts anything off nor brings it forward.
"""

import datetime as dt
import logging
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass

from celery import current_app
from django.conf import settings
from django.db import transaction
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from core.clock import Job
from core.models import JobRun
from core.outbox import back_off_delay
from core.pruning import prune

logger = logging.getLogger(__name__)

KEEP_RUNS = dt.timedelta(days=90)
# A job that is so late isn't only waiting for its turn.
OVERDUE_AFTER = dt.timedelta(minutes=30)
_LONGEST_PAUSE = dt.timedelta(hours=1)

_due_at: ContextVar[dt.datetime | None] = ContextVar("due_at", default=None)


@dataclass(frozen=True)
class JobState:
    """How a job stands: its newest run, the newest that succeeded, and whether it is late."""

    name: str
    last: JobRun | None
    last_success: JobRun | None
    is_overdue: bool


def run_if_due(*, name: str) -> bool:
    """Do the job of that name, unless its present period has been seen to; returns whether it was
    done. A failure is written down and tried again later, until the next period begins. Raises
    KeyError for a job that there isn't."""
    job: Job = settings.JOBS[name]
    run = _claim(name, job.due_at(timezone.now()))
    if run is None:
        return False
    token = _due_at.set(run.due_at)
    try:
        outcome = current_app.tasks[job.task]()
    except Exception as exc:
        logger.exception("job %s failed", name)
        _note_failure(run, exc)
        return False
    finally:
        _due_at.reset(token)
    _note_success(run, outcome)
    return True


def due_at() -> dt.datetime:
    """Return the time at which the job that is being done was due, however late it is; now, where
    none is. What a task does of each day in turn follows from this, so that one that succeeds after
    midnight does its own day's."""
    return _due_at.get() or timezone.now()


def list_states(*, names: Iterable[str] | None = None) -> list[JobState]:
    """Return how each job stands, or those of these names."""
    now, made_at = timezone.now(), database_made_at()
    return [_state_of(name, now, made_at) for name in (settings.JOBS if names is None else names)]


def prune_runs() -> int:
    """Delete runs of long ago, but for the last success of each job; returns how many."""
    old = JobRun.objects.filter(due_at__lt=timezone.now() - KEEP_RUNS)
    kept = [state.last_success.id for state in list_states() if state.last_success is not None]
    return prune(old.exclude(id__in=kept))


def _claim(name: str, due_at: dt.datetime) -> JobRun | None:
    """Take the period's row; None when it has been done, or somebody is at it."""
    rows = JobRun.objects.filter(job=name, due_at=due_at)
    # Beat asks every minute, nearly always about what has been done.
    if rows.filter(status=JobRun.Status.SUCCEEDED).exists():
        return None
    now = timezone.now()
    with transaction.atomic():
        fresh = JobRun(job=name, due_at=due_at, started_at=now, next_attempt_at=now)
        JobRun.objects.bulk_create([fresh], ignore_conflicts=True)
        run = (
            rows.select_for_update(skip_locked=True)
            .exclude(status=JobRun.Status.SUCCEEDED)
            .filter(next_attempt_at__lte=now)
            .first()
        )
        if run is not None:
            run.attempts += 1
            run.status = JobRun.Status.RUNNING
            run.started_at, run.finished_at = now, None
            # Nobody's task lives longer: whoever is at it then has been killed.
            life = dt.timedelta(seconds=settings.CELERY_TASK_TIME_LIMIT + 30)
            run.next_attempt_at = now + max(life, _pause_after(run.attempts))
            run.save()
    return run


def _note_success(run: JobRun, outcome: object) -> None:
    _write(
        run,
        status=JobRun.Status.SUCCEEDED,
        finished_at=timezone.now(),
        result="" if outcome is None else str(outcome)[:200],
        last_error="",
    )


def _note_failure(run: JobRun, exc: Exception) -> None:
    now = timezone.now()
    _write(
        run,
        status=JobRun.Status.FAILED,
        finished_at=now,
        next_attempt_at=now + _pause_after(run.attempts),
        last_error=f"{type(exc).__name__}: {exc}"[:2000],
    )


def _pause_after(attempts: int) -> dt.timedelta:
    return min(back_off_delay(attempts=attempts) * 30, _LONGEST_PAUSE)


def _write(run: JobRun, **changes: object) -> None:
    """Unless another has taken over from us."""
    JobRun.objects.filter(id=run.id, attempts=run.attempts).update(**changes)


def database_made_at() -> dt.datetime:
    """Return when the first migration ran: before that nothing could have been done."""
    migrations = MigrationRecorder.Migration.objects.order_by("id")
    made_at = migrations.values_list("applied", flat=True).first()
    return made_at or dt.datetime.min.replace(tzinfo=dt.UTC)


def _state_of(name: str, now: dt.datetime, made_at: dt.datetime) -> JobState:
    due_at = settings.JOBS[name].due_at(now)
    runs = JobRun.objects.filter(job=name)
    success = runs.filter(status=JobRun.Status.SUCCEEDED).order_by("-finished_at").first()
    is_done = success is not None and success.due_at >= due_at
    return JobState(
        name=name,
        last=runs.order_by("-due_at").first(),
        last_success=success,
        is_overdue=not is_done and now - max(due_at, made_at) > OVERDUE_AFTER,
    )
