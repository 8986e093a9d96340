"""What `manage.py doctor` looks at: everything an operator asks first when something is wrong.

Each floor registers what it knows. A check tells what it found, in words that hold no secret.
"""

import datetime as dt
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from django.utils import timezone

from core import health, heartbeats, jobs
from core.models import OutboxDelivery


class Verdict(StrEnum):
    """How it is. Only `WRONG` makes the doctor's exit status 1."""

    OK = "ok"
    NOTE = "note"
    WRONG = "wrong"


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's."""

    name: str
    verdict: Verdict
    words: str


Check = Callable[[], Iterable[Finding]]
_checks: dict[str, Check] = {}


def register_check(check: Check, *, name: str) -> None:
    """Have the doctor look at this, after what was registered before. The same name again takes the
    former one's place."""
    _checks[name] = check


def examine() -> Iterator[Finding]:
    """Look at everything, and tell of each thing as soon as it was looked at. What can't be looked
    at is wrong."""
    for name, check in list(_checks.items()):
        try:
            yield from check()
        except Exception as exc:
            yield Finding(name, Verdict.WRONG, f"can't be looked at: {type(exc).__name__}")


def find_wrong(name: str, *, is_ok: bool, ok: str, wrong: str) -> Finding:
    """Return a finding of one of two kinds."""
    return Finding(name, Verdict.OK if is_ok else Verdict.WRONG, ok if is_ok else wrong)


def find_dead(name: str, count: int) -> Finding:
    """Return what to say of dead letters."""
    return find_wrong(
        name, is_ok=count == 0, ok="none", wrong=f"{count} gave up: see the admin, status dead"
    )


def is_production() -> bool:
    """Whether this process runs with the settings of production."""
    return os.environ.get("DJANGO_SETTINGS_MODULE", "").endswith(".production")


def say_ago(at: dt.datetime | None) -> str:
    """Return how long ago that was, for a person."""
    return "never" if at is None else f"{_say(timezone.now() - at)} ago"


def _check_needed() -> Iterator[Finding]:
    words = {
        "database": ("answers", "doesn't answer: DATABASE_URL"),
        "migrations": ("applied", "some are missing: manage.py migrate"),
        "cache": ("answers", "Redis doesn't answer: REDIS_URL"),
        "broker": ("answers", "Redis doesn't answer: REDIS_URL"),
    }
    for name, is_ok in health.check_readiness().needed.items():
        ok, wrong = words[name]
        yield find_wrong(name, is_ok=is_ok, ok=ok, wrong=wrong)


def _check_processes() -> Iterator[Finding]:
    for life in heartbeats.look():
        ago = life.seconds_ago
        seen = "never seen" if ago is None else f"last seen {_say(dt.timedelta(seconds=ago))} ago"
        yield find_wrong(life.role, is_ok=life.is_alive, ok=f"alive, {seen}", wrong=f"gone, {seen}")


def _check_jobs() -> Iterator[Finding]:
    for state in jobs.list_states():
        success, last = state.last_success, state.last
        words = f"last done {say_ago(success.finished_at if success else None)}"
        if success is not None and success.duration is not None:
            words += f", took {success.duration.total_seconds():.1f} s"
        if last is not None and last.status == last.Status.FAILED:
            words += f"; failed {last.attempts} times: {last.last_error.splitlines()[0][:120]}"
        if state.is_overdue:
            words += "; overdue"
        verdict = Verdict.WRONG if state.is_overdue else Verdict.OK
        yield Finding(f"job {state.name}", verdict, words)


def _check_outbox() -> Iterator[Finding]:
    dead = OutboxDelivery.objects.filter(status=OutboxDelivery.Status.DEAD).count()
    yield find_dead("dead deliveries", dead)


def _say(time: dt.timedelta) -> str:
    seconds = int(time.total_seconds())
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


register_check(_check_needed, name="readiness")
register_check(_check_processes, name="processes")
register_check(_check_jobs, name="jobs")
register_check(_check_outbox, name="outbox")
