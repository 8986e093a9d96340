"""`manage.py doctor`: what is there, what is gone, what is late, what gave up."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.utils import timezone

from core import doctor, heartbeats, jobs
from core.clock import daily
from core.models import JobRun, OutboxDelivery, OutboxEvent
from learnflow.celery import app
from notifications.models import Email
from payments.models import StripeEvent

pytestmark = pytest.mark.django_db
AFTERWARDS = dt.datetime(2026, 5, 2, 3, 11, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def _well(settings: Any) -> None:
    app.loader.import_default_modules()
    settings.JOBS = {"prune": daily("core.tasks.prune", hour=3, minute=10)}
    settings.WATCHED_PROCESSES = ["worker-money", "beat"]
    settings.EMAIL_HOST = "mail.example.test"
    settings.STRIPE_SECRET_KEY = "sk_test_x"
    heartbeats._given.clear()


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Callable[[], tuple[int, dict[str, str]]]:
    """The doctor's exit status, and its lines by what they are about."""

    def examine() -> tuple[int, dict[str, str]]:
        status = 0
        try:
            call_command("doctor")
        except SystemExit as exit_:
            status = int(str(exit_.code))
        lines = capsys.readouterr().out.splitlines()
        return status, {line[6:34].strip(): f"{line[:6].strip()}: {line[34:]}" for line in lines}

    return examine


@pytest.fixture(autouse=True)
def _database_of_old(monkeypatch: pytest.MonkeyPatch) -> None:
    """The database of the tests was made just now, and these tests are of another time."""
    long_ago = AFTERWARDS - dt.timedelta(days=300)
    monkeypatch.setattr(jobs, "database_made_at", lambda: long_ago)


def test_all_is_well(ask: Any) -> None:
    with time_machine.travel(AFTERWARDS, tick=False):
        heartbeats.give_sign(["worker-money", "beat"])
        jobs.run_if_due(name="prune")
        status, lines = ask()
    assert status == 0, lines
    assert lines["database"] == "ok: answers"
    assert lines["beat"] == "ok: alive, last seen 0 s ago"
    assert lines["job prune"] == "ok: last done 0 s ago, took 0.0 s"
    assert lines["mail"] == "ok: goes to mail.example.test"
    assert set(lines) >= {"migrations", "broker", "stripe", "dead deliveries", "dead mails"}


def test_who_is_gone_and_what_is_late(ask: Any) -> None:
    with time_machine.travel(AFTERWARDS, tick=False) as clock:
        heartbeats.give_sign(["worker-money"])
        jobs.run_if_due(name="prune")
        clock.shift(dt.timedelta(days=2, hours=1))
        status, lines = ask()
    assert status == 1
    assert lines["worker-money"] == "wrong: gone, last seen 2 d ago"
    assert lines["beat"] == "wrong: gone, never seen"
    assert lines["job prune"].startswith("wrong: last done 2 d ago")
    assert lines["job prune"].endswith("overdue")


def test_a_failing_job_says_why(ask: Any) -> None:
    now = timezone.now()
    JobRun.objects.create(
        job="prune", due_at=now, status="failed", attempts=3, started_at=now, finished_at=now,
        next_attempt_at=now, last_error="OSError: no room",
    )  # fmt: skip
    assert "failed 3 times: OSError: no room" in ask()[1]["job prune"]


def test_dead_letters_of_each_kind_are_wrong(ask: Any) -> None:
    now = timezone.now()
    event = OutboxEvent.objects.create(name="x", payload={})
    OutboxDelivery.objects.create(event=event, handler="x", status="dead", next_attempt_at=now)
    Email.objects.create(dedupe_key="x", kind="x", to="x@example.test", subject="", text="",
                         html="", status="dead", next_attempt_at=now)  # fmt: skip
    StripeEvent.objects.create(id="evt_x", type="x", object_id="x", payload={}, status="dead",
                               created_at_stripe=now, next_attempt_at=now)  # fmt: skip
    status, lines = ask()
    assert status == 1
    for name in ("dead deliveries", "dead mails", "dead events of Stripe's"):
        assert lines[name].startswith("wrong: 1 gave up")


def test_what_isnt_configured_is_a_note_and_mail_in_production_wrong(
    ask: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.EMAIL_HOST = settings.STRIPE_SECRET_KEY = ""
    lines = ask()[1]
    assert lines["mail"].startswith("note: EMAIL_HOST isn't set")
    assert lines["stripe"].startswith("note: STRIPE_SECRET_KEY isn't set")
    monkeypatch.setattr(doctor.os, "environ", {"DJANGO_SETTINGS_MODULE": "x.production"})
    assert ask()[1]["mail"].startswith("wrong: EMAIL_HOST isn't set")


def test_what_cant_be_looked_at_is_wrong_and_the_rest_is_told(
    ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> list[doctor.Finding]:
        raise ConnectionError("postgres://user:secret@db")

    monkeypatch.setitem(doctor._checks, "jobs", fail)
    status, lines = ask()
    assert status == 1
    assert lines["jobs"] == "wrong: can't be looked at: ConnectionError"
    assert "dead mails" in lines
