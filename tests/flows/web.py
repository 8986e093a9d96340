"""Web processes of LearnFlow on the test's own database, each with its own memory."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import httpx
from django.conf import settings
from django.db import connection

from devtools.launcher.ports import LOOPBACK, choose_port, listens

ROOT = Path(__file__).resolve().parents[2]
# For a process of which a test wants answers, and no refusal because a busy machine is slow.
PATIENT = {
    "DATABASE_STATEMENT_SECONDS": "60", "HEAVY_WAIT_SECONDS": "60", "REDIS_TIMEOUT_SECONDS": "60",
    "REDIS_PAUSE_SECONDS": "0", "STRIPE_TIMEOUT_SECONDS": "60", "STRIPE_DEADLINE_SECONDS": "60",
    "LEASE_SECONDS": "100",
}  # fmt: skip
_START_SECONDS = 300.0
_STOP_SECONDS = 60.0


@contextmanager
def running_web(folder: Path, **environment: str) -> Iterator[str]:
    """Keep gunicorn with one process answering and yield its address; its log is in `folder`.

    It reads and writes what the test does, trusts its tokens and sessions, and throttles nobody.
    `environment` goes over that.
    """
    port = choose_port()
    log = folder / f"web-{port}.log"
    command = [sys.executable, "-m", "gunicorn", "--config", str(ROOT / "docker/gunicorn.conf.py"),
               "--bind", f"{LOOPBACK}:{port}", "learnflow.wsgi:application"]  # fmt: skip
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **environment_of(folder), **environment},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        _await_answer(process, port, log)
        yield f"http://{LOOPBACK}:{port}"
    finally:
        _stop(process)


def environment_of(folder: Path) -> dict[str, str]:
    """Return the settings of a process that reads and writes what the test does; files and mails go
    to `folder`."""
    return {
        "DJANGO_SETTINGS_MODULE": "learnflow.settings.development",
        "SECRET_KEY": settings.SECRET_KEY,
        "JWT_SECRET": settings.JWT_SECRET,
        "DATABASE_URL": _database_url(),
        "REDIS_URL": urlunsplit(urlsplit(settings.REDIS_URL)._replace(path=_redis_database())),
        "MEDIA_ROOT": str(folder / "media"),
        "EMAIL_FILE_PATH": str(folder / "mail"),
        "WEB_CONCURRENCY": "1",
        **{f"THROTTLE_{scope.upper()}": "none" for scope in settings.THROTTLE_RATES},
    }


def _redis_database() -> str:
    """Return a Redis database for the web processes of this test process alone: writes of others
    would renew what they remember. The one that REDIS_URL names has the tests' own keys."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    # Counted from there: a suite within the suite has other web processes.
    own = int(urlsplit(settings.REDIS_URL).path.strip("/") or 0)
    # Every Redis has the first ones. What follows is used by other tests, up to 15.
    return f"/{own + (1 + worker if worker < 6 else 10 + worker)}"


def _database_url() -> str:
    parts = {name: str(connection.settings_dict[name]) for name in ("USER", "PASSWORD", "NAME")}
    user, password, name = (quote(part, safe="") for part in parts.values())
    host, port = connection.settings_dict["HOST"], connection.settings_dict["PORT"]
    return f"postgres://{user}:{password}@{host}:{port}/{name}"


def _await_answer(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not (listens(pid=process.pid, port=port) and _answers(port)):
        if process.poll() is not None or time.monotonic() > deadline:
            raise AssertionError(f"the web process didn't start:\n{log.read_text()[-3000:]}")
        time.sleep(0.1)


def _answers(port: int) -> bool:
    try:
        url = f"http://{LOOPBACK}:{port}/api/v1/health/live/"
        return httpx.get(url, trust_env=False, timeout=10).status_code == 200
    except httpx.HTTPError:
        return False


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(timeout=_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
