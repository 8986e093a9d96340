"""A PostgreSQL and a Redis for tests, as long as something needs them, without a supervisor."""

import os
import secrets
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from devtools.launcher.durable import unfinished_name, write_text
from devtools.launcher.errors import LauncherError
from devtools.launcher.leftovers import MARK, end_leftovers
from devtools.launcher.ports import choose_port
from devtools.launcher.postgres import Postgres
from devtools.launcher.redis import Redis

_SERVERS = ("DATABASE_URL", "REDIS_URL")
_START_SECONDS = 600.0
_STOP_SECONDS = 20.0


def run_with_services(command: list[str]) -> int:
    """Run `command` with DATABASE_URL and REDIS_URL set, beside throw-away servers if need be.

    Servers named in the environment are used as they are. Answers the command's exit status.
    """
    with (
        _missing_services() as environment,
        subprocess.Popen(command, env=os.environ | environment) as process,
    ):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda received, _: process.send_signal(received))
        return process.wait()


def keep_services(state: Path) -> int:
    """Run both servers with their data in `state`, print their addresses, wait for a signal.

    Answers 0.
    """
    with _running_services(state) as environment:
        for name, value in environment.items():
            print(f"export {name}='{value}'", flush=True)
        stop = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
        signal.pthread_sigmask(signal.SIG_BLOCK, stop)
        signal.sigwait(stop)
    return 0


@contextmanager
def _missing_services() -> Iterator[dict[str, str]]:
    missing = [name for name in _SERVERS if not os.environ.get(name)]
    if not missing:
        yield {}
        return
    with tempfile.TemporaryDirectory(prefix="learnflow-") as folder:
        Path(folder).chmod(0o711)
        with _running_services(Path(folder), missing) as environment:
            yield environment


@contextmanager
def _running_services(state: Path, names: Sequence[str] = _SERVERS) -> Iterator[dict[str, str]]:
    """Those of the servers that `names` asks for by their variable; only these need a package."""
    state.mkdir(parents=True, exist_ok=True)
    password = _password(state)
    postgres = Postgres(state / "postgres", choose_port(), password, durable=False)
    redis = Redis(state / "redis", choose_port(taken=[postgres.port]), password, durable=False)
    end_leftovers(
        folders=[postgres.data, unfinished_name(postgres.data), redis.data], mark=str(state)
    )
    servers: dict[str, Postgres | Redis] = {"DATABASE_URL": postgres, "REDIS_URL": redis}
    with ExitStack() as started:
        for name in names:
            started.enter_context(_running(servers[name]))
        yield {name: servers[name].url for name in names}


@contextmanager
def _running(server: Postgres | Redis) -> Iterator[None]:
    server.prepare()
    log_path = server.folder / "server.log"
    with log_path.open("ab") as log:
        process = subprocess.Popen(
            server.command(),
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd="/",
            env=os.environ | {MARK: str(server.folder.parent)},
        )
    try:
        _await_answer(server, process, log_path)
        yield
    finally:
        _stop(process, server.stop_signal)


def _await_answer(
    server: Postgres | Redis, process: subprocess.Popen[bytes], log_path: Path
) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not server.answers():
        if process.poll() is not None or time.monotonic() > deadline:
            log = log_path.read_text(encoding="utf-8", errors="replace")
            raise LauncherError(f"{type(server).__name__} did not start:\n{log}")
        time.sleep(0.05)


def _stop(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    process.send_signal(number)
    try:
        process.wait(timeout=_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _password(state: Path) -> str:
    """The servers' password, made once for each state folder and readable by its owner alone."""
    path = state / "password"
    if not path.exists():
        write_text(path, secrets.token_urlsafe(24), mode=0o600)
    return path.read_text(encoding="utf-8")
