"""The measured applications, each behind the same gunicorn on a free port."""

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import httpx

from benchmarks.load import HOST
from benchmarks.stack import ROOT, end
from devtools.launcher.ports import LOOPBACK, choose_port, listens

_START_SECONDS = 300.0
# Signs the tokens of this run; as good as any, since production refuses keys that are known.
SIGNING_KEY = secrets.token_urlsafe(48)
API_BASE_URL = f"https://{HOST}"


@dataclass(frozen=True, kw_only=True)
class Application:
    """One of the measured: where its WSGI application is, and what it needs to be told."""

    name: str
    wsgi: str
    environment: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Server:
    """A running application."""

    name: str
    port: int
    pid: int


_THROTTLES = ("ANON", "USER", "CATALOGUE", "LOGIN", "REGISTER", "REFRESH", "PAYMENT", "VERIFY",
              "MAIL", "SEARCH")  # fmt: skip
_APPLICATIONS = (
    Application(
        name="product",
        wsgi="learnflow.wsgi:application",
        environment={
            "DJANGO_SETTINGS_MODULE": "learnflow.settings.production",
            "FRONTEND_URL": "https://learnflow.test",
            **{f"THROTTLE_{scope}": "none" for scope in _THROTTLES},
        },
    ),
    Application(name="floor", wsgi="benchmarks.floor.app:application", environment={}),
    Application(
        name="textbook",
        wsgi="benchmarks.textbook.wsgi:application",
        environment={"DJANGO_SETTINGS_MODULE": "benchmarks.textbook.settings"},
    ),
)
APPLICATIONS = {application.name: application for application in _APPLICATIONS}


class ServerError(Exception):
    """A program that failed or didn't start; the text is what it said."""


def compose_environment(*, database_url: str, redis_url: str, state: Path) -> dict[str, str]:
    """Return the environment that every application and command of a run shares."""
    kept = ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "TMPDIR")
    return {
        **{name: os.environ[name] for name in kept if name in os.environ},
        "PYTHONPATH": str(ROOT),
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "SECRET_KEY": SIGNING_KEY,
        "JWT_SECRET": SIGNING_KEY,
        "ALLOWED_HOSTS": f"{HOST},{LOOPBACK}",
        "API_BASE_URL": API_BASE_URL,
        "MEDIA_ROOT": str(state / "media"),
        "STATIC_ROOT": str(state / "static"),
        "EMAIL_FILE_PATH": str(state / "mail"),
        "LOG_LEVEL": "WARNING",
    }


def run_program(environment: Mapping[str, str], *arguments: str) -> str:
    """Return what a Python program of this checkout says. Raises ServerError with its last words
    when it fails."""
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment, text=True, capture_output=True,
        check=False,
    )  # fmt: skip
    if done.returncode:
        said = f"{done.stdout[-3000:]}{done.stderr[-3000:]}"
        raise ServerError(f"{' '.join(arguments)}: {said}")
    return done.stdout


@contextmanager
def running(
    application: Application, *, environment: Mapping[str, str], logs: Path, label: str = ""
) -> Iterator[Server]:
    """Keep the application answering. Raises ServerError with its last words when it doesn't."""
    port = choose_port()
    (Path(environment["STATIC_ROOT"])).mkdir(parents=True, exist_ok=True)
    path = logs / f"{label or application.name}.log"
    logs.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as log:
        process = _start(application, port, environment, log)
        try:
            _await_answer(process, port, path)
            yield Server(name=application.name, port=port, pid=process.pid)
        finally:
            end(process)


def _start(
    application: Application, port: int, environment: Mapping[str, str], log: IO[bytes]
) -> subprocess.Popen[bytes]:
    configuration = "python:benchmarks.gunicorn_settings"
    command = [sys.executable, "-m", "gunicorn", "--config", configuration,
               "--bind", f"{LOOPBACK}:{port}", application.wsgi]  # fmt: skip
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env={**environment, **application.environment},
        stdout=log,
        stderr=log,
        start_new_session=True,
    )


def _await_answer(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not _answers(process.pid, port):
        if process.poll() is not None or time.monotonic() > deadline:
            raise ServerError(f"{log.stem} did not start:\n{log.read_text()[-3000:]}")
        time.sleep(0.1)


def _answers(pid: int, port: int) -> bool:
    if not listens(pid=pid, port=port):
        return False
    headers = {"Host": HOST, "X-Forwarded-Proto": "https"}
    try:
        # Whatever it answers to an address of nobody: it has loaded.
        httpx.get(f"http://{LOOPBACK}:{port}/nothing/", headers=headers, timeout=10)
    except httpx.HTTPError:
        return False
    return True
