"""Each task has a queue, each queue a worker, and no kind of work waits behind another."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from core import outbox
from devtools.launcher.programs import plan_workers
from learnflow import queues
from learnflow.celery import app

ROOT = Path(settings.BASE_DIR)


def _our_tasks() -> set[str]:
    app.loader.import_default_modules()
    return {name for name in app.tasks if not name.startswith("celery.")}


def test_every_task_of_ours_has_a_queue_and_no_other_has() -> None:
    assert _our_tasks() == set(queues.TASKS)
    assert set(queues.TASKS.values()) <= set(queues.PROCESSES)


@pytest.mark.parametrize("name", sorted(queues.TASKS))
def test_celery_sends_it_there(name: str) -> None:
    assert app.amqp.router.route({}, name, (), {})["queue"].name == queues.TASKS[name]


def test_what_nobody_knows_lands_where_somebody_looks() -> None:
    for name, kwargs in (("no.such.task", {}), ("core.tasks.prune", {"queue": "no-such-queue"})):
        assert app.amqp.router.route({}, name, (), kwargs)["queue"].name == queues.DEFAULT


def test_each_queue_of_the_outbox_is_swept_and_delivered_by_its_own_worker() -> None:
    swept = {
        app.amqp.router.route({}, entry["task"], (), entry["kwargs"])["queue"].name
        for entry in settings.CELERY_BEAT_SCHEDULE.values()
        if entry["task"] == outbox.TASK
    }
    assert swept == set(queues.PROCESSES)
    used = {outbox.queue_of(name) for by_name in outbox._handlers.values() for name in by_name}
    assert used <= swept
    # Nothing that is delivered waits for a mail server.
    assert "mail" not in used


def test_daily_and_hourly_work_is_the_jobs_alone_and_goes_where_its_task_goes() -> None:
    """An interval of an hour or more never comes where beat is started anew more often."""
    intervals = [entry["schedule"] for entry in settings.CELERY_BEAT_SCHEDULE.values()]
    assert max(intervals) <= 60
    looked_at = {
        entry["kwargs"]["job"]: app.amqp.router.route({}, entry["task"], (), entry["kwargs"])
        for entry in settings.CELERY_BEAT_SCHEDULE.values()
        if entry["task"] == "core.tasks.run_job"
    }
    assert set(looked_at) == set(settings.JOBS)
    for name, route in looked_at.items():
        task = settings.JOBS[name].task
        assert task in app.tasks
        assert route["queue"].name == queues.TASKS[task]


def test_what_a_purchase_causes_is_moneys() -> None:
    for name in ("cart.drop_enrolled", "notifications.mail_receipt"):
        assert outbox.queue_of(name) == "money"


def test_make_run_has_a_worker_for_each_queue() -> None:
    consumed = [_queues_of(" ".join(program.command)) for program in plan_workers()]
    assert sorted(consumed) == sorted(queues.consumed_by(name) for name in queues.PROCESSES)


def test_compose_has_a_worker_for_each_queue() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    assert re.findall(r'command: \["worker", "(\w+)"\]', text) == list(queues.PROCESSES)


def test_the_container_takes_what_the_registry_says() -> None:
    script = (ROOT / "docker" / "entrypoint.sh").read_text()
    assert 'worker --loglevel INFO $(python -m learnflow.queues "$@")' in script
    told = subprocess.run(
        [sys.executable, "-m", "learnflow.queues", "bulk"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert told.stdout.split() == queues.worker_arguments("bulk")


def _queues_of(command: str) -> list[str]:
    match = re.search(r"--queues (\S+)", command)
    assert match, command
    return match.group(1).split(",")
