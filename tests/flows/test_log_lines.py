"""One request, from its access line to the mail that it causes, found by its id."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.flows.web import PATIENT, ROOT, environment_of, running_web

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.xdist_group("instance"),
]

ID = "a-visitors-request-0001"
_PATIENCE = 300.0
# A nudge that Redis was too slow for would never come: there is no beat here, whose sweeps follow.
_ENVIRONMENT = {**PATIENT, "LOG_FORMAT": "json"}


@contextmanager
def _worker(folder: Path, **environment: str) -> Iterator[Path]:
    """A worker of all queues that is ready, without beat: nothing but nudges sets it off, which are
    good for a minute."""
    log = folder / "worker.log"
    command = [sys.executable, "-m", "celery", "--app", "learnflow", "--quiet", "worker",
               "--concurrency", "1", "--without-mingle", "--without-gossip"]  # fmt: skip
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **environment_of(folder), **environment},
            stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    try:
        deadline = time.monotonic() + _PATIENCE
        while " ready." not in (told := log.read_text()):
            assert process.poll() is None, told
            assert time.monotonic() < deadline, told
            time.sleep(0.1)
        yield log
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _lines(log: Path) -> list[dict[str, Any]]:
    """The lines that are about the request, but for one that is still being written."""
    whole, _, _ = log.read_text().rpartition("\n")
    return [json.loads(line) for line in whole.splitlines() if f'"{ID}"' in line]


def _await_lines(log: Path, is_wanted: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
    """Return those of the lines, as soon as there are any."""
    deadline = time.monotonic() + _PATIENCE
    while not (found := [line for line in _lines(log) if is_wanted(line)]):
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)
    return found


def test_a_request_is_followed_to_the_worker(tmp_path: Path) -> None:
    with (
        running_web(tmp_path, **_ENVIRONMENT) as address,
        _worker(tmp_path, **_ENVIRONMENT) as log,
    ):
        answer = httpx.post(
            f"{address}/api/v1/auth/register/?token=nobodys-business",
            json={"email": "ada@example.test", "password": "correct horse battery staple",
                  "first_name": "Ada", "last_name": "Lovelace"},
            headers={"X-Request-ID": ID}, trust_env=False, timeout=60,
        )  # fmt: skip
        assert answer.status_code == 201, answer.text
        _await_lines(log, lambda line: line["message"].endswith("sent"))
        [web] = tmp_path.glob("web-*.log")
        # It is written when the answer is out: the mail may be sent before that.
        [request] = _await_lines(web, lambda line: line["logger"] == "gunicorn.access")

    assert (request["method"], request["path"]) == ("POST", "/api/v1/auth/register/")
    assert (request["client"], request["status"]) == ("127.0.0.1", "201")
    told = _lines(log)
    assert {line["task"] for line in told} >= {
        "core.tasks.deliver_outbox", "notifications.tasks.send_due_emails"
    }  # fmt: skip
    assert {"core.outbox", "notifications.services"} <= {line["logger"] for line in told}
    everything = log.read_text() + web.read_text()
    for secret in ("nobodys-business", "correct horse", "ada@example.test"):
        assert secret not in everything
    # Every line of gunicorn's and Celery's is of this form.
    for line in web.read_text().splitlines():
        assert {"time", "level", "logger", "message", "request_id", "client"} <= set(
            json.loads(line)
        )
