"""Each task has a queue, each queue a worker, and no kind of work waits behind another."""

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import yaml
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
    tasks = _our_tasks()
    for name, route in looked_at.items():
        task = settings.JOBS[name].task
        assert task in tasks
        assert route["queue"].name == queues.TASKS[task]


def test_what_each_purchase_causes_keeps_no_purchase_waiting() -> None:
    """Thousands of people may be buying."""
    caused = [
        *outbox._handlers["orders.order_completed"],
        *outbox._handlers["enrollments.enrolled"],
    ]
    assert {"cart.drop_enrolled", "notifications.mail_receipt"} < {*caused}
    assert {outbox.queue_of(name) for name in caused} == {"learning"}


def test_purchases_come_first_where_processors_are_short() -> None:
    assert queues.niceness_of(["money"]) == 0
    assert queues.niceness_of(["learning"]) > 0
    assert queues.niceness_of(queues.consumed_by("bulk")) == queues.niceness_of(["mail"])
    # Who works for several is as urgent as the most urgent of them.
    assert queues.niceness_of(["learning", "money"]) == 0


def test_make_run_has_a_worker_for_each_queue() -> None:
    consumed = [_queues_of(" ".join(program.command)) for program in plan_workers({})]
    assert sorted(consumed) == sorted(queues.consumed_by(name) for name in queues.PROCESSES)


def test_compose_has_a_worker_for_each_queue() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    assert re.findall(r'command: \["worker", "(\w+)"\]', text) == list(queues.PROCESSES)


def test_the_container_takes_what_the_registry_says() -> None:
    script = (ROOT / "docker" / "entrypoint.sh").read_text()
    assert 'arguments=$(python -m learnflow.queues "$@")' in script
    assert "worker --loglevel INFO $arguments" in script
    told = subprocess.run(
        [sys.executable, "-m", "learnflow.queues", "bulk"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert told.stdout.split() == queues.worker_arguments("bulk")


@pytest.mark.parametrize(
    ("arguments", "changed", "said"),
    [
        (["worker", "monney"], {}, "LearnFlow can't start, there is no queue monney"),
        (["worker", "money"], {"WORKER_CONCURRENCY": "lots"}, "LearnFlow can't start, WORKER_CONC"),
        (["web"], {"WEB_CONCURRENCY": "two"}, "LearnFlow can't start, WEB_CONCURRENCY: must"),
        (["web"], {"LOG_FORMAT": "xml"}, "LearnFlow can't start, LOG_FORMAT: must"),
    ],
)
def test_the_container_says_in_a_line_what_it_cannot_start_with(
    tmp_path: Path, arguments: list[str], changed: dict[str, str], said: str
) -> None:
    """And starts nothing: above all no worker that takes from every queue."""
    done = _enter(tmp_path, arguments, changed)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (1, "", 1), done
    assert done.stderr.startswith(said)


def test_the_container_takes_an_empty_number_for_none(tmp_path: Path) -> None:
    empty = {"WEB_CONCURRENCY": "", "WORKER_CONCURRENCY": ""}
    assert _enter(tmp_path, ["web"], empty).stdout.startswith("gunicorn, WEB_CONCURRENCY=unset")
    told = _enter(tmp_path, ["worker"], empty).stdout
    assert _queues_of(told) == [*queues.PROCESSES, queues.FORMER]


def test_make_run_takes_the_number_of_processes_from_wherever_it_is_configured() -> None:
    for program in plan_workers({"WORKER_CONCURRENCY": "3"}):
        assert "--concurrency 3" in " ".join(program.command)


def test_the_example_of_secrets_from_files_names_services_that_there_are() -> None:
    docs = (ROOT / "docs" / "operations.md").read_text()
    example = docs[docs.index("# compose.override.yml") :].split("\n\n")[0]
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    ours = {
        name for name, service in compose["services"].items()
        if str(service.get("image", "")).startswith("learnflow-app")
    }  # fmt: skip
    assert set(yaml.safe_load(textwrap.dedent(example))["services"]) == ours


def _enter(
    folder: Path, arguments: list[str], changed: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run the entrypoint from the checkout, with servers that only tell how they are started."""
    script = folder / "entrypoint.sh"
    text = (ROOT / "docker" / "entrypoint.sh").read_text()
    script.write_text(text.replace("cd /app", f"cd {ROOT}"))
    for name in ("gunicorn", "celery"):
        server = folder / name
        server.write_text(
            f'#!/bin/sh\necho "{name}, WEB_CONCURRENCY=${{WEB_CONCURRENCY-unset}} $*"\n'
        )
        server.chmod(0o755)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("W")},
        "PATH": f"{folder}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PROMETHEUS_MULTIPROC_DIR": str(folder / "metrics"),
        "ALIVE_FILE": str(folder / "alive"),
    }
    return subprocess.run(
        ["sh", str(script), *arguments],
        env=environment | changed, capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip


def _queues_of(command: str) -> list[str]:
    match = re.search(r"--queues (\S+)", command)
    assert match, command
    return match.group(1).split(",")
