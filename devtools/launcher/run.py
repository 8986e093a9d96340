"""`make run`: everything LearnFlow needs, started in order, kept alive, and stopped together."""

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import httpx

from devtools.launcher import banner, ports, postgres, state, static_files
from devtools.launcher.configuration import Configuration
from devtools.launcher.leftovers import end_leftovers
from devtools.launcher.logs import LogStream
from devtools.launcher.programs import compose_environment, plan_programs, plan_servers
from devtools.launcher.supervision import Supervisor

_SERVER_SECONDS = 60.0
_WEB_SECONDS = 90.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StartError(Exception):
    """The start failed; the text tells the operator why."""


class _StopRequested(BaseException):
    """Somebody asked the launcher to stop."""


def run(configuration: Configuration) -> int:
    """Start everything, keep it running until a signal, stop everything. Answers 0.

    Raises StateInUseError and StartError, after stopping what was started.
    """
    with state.lock_state(configuration.state):
        if not ports.is_free(configuration.port):
            raise StartError(
                f"Port {configuration.port} is taken by another program: stop it, or set PORT."
            )
        try:
            with _signals_raise():
                _run_until_stopped(configuration)
        except _StopRequested:
            pass
    banner.show("LearnFlow has stopped.")
    return 0


def _run_until_stopped(configuration: Configuration) -> None:
    launch = _Launch(configuration)
    try:
        launch.start_servers()
        launch.prepare()
        launch.start_product()
        banner.show(launch.ready_text())
        launch.watch()
    finally:
        _ignore_signals()
        banner.show("Stopping …")
        launch.stop()


class _Launch:
    """One start, step by step."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._secrets = state.load_secrets(configuration.state)
        self._end_leftovers()
        self._servers = plan_servers(configuration, self._secrets)
        self._environment = compose_environment(configuration, self._servers, self._secrets)
        self._supervisor: Supervisor | None = None
        self._logs: LogStream | None = None

    def start_servers(self) -> None:
        """Start supervisor and embedded servers, and wait until each of them answers."""
        folder = self._configuration.state
        shutil.rmtree(folder / "metrics", ignore_errors=True)
        for name in ("log", "mail", "media", "metrics"):
            (folder / name).mkdir(exist_ok=True)
        for server in self._servers.embedded().values():
            server.prepare()
        programs = plan_programs(self._configuration, self._servers)
        names = ["supervisor", *(program.name for program in programs)]
        self._logs = LogStream(folder=folder / "log", names=names, show=banner.show)
        self._supervisor = Supervisor(
            programs=programs,
            run=folder / "run",
            logs=folder / "log",
            root=self._configuration.root,
        )
        self._supervisor.start(self._environment)
        for name, server in self._servers.embedded().items():
            self._await(name, server.port, server.answers, _SERVER_SECONDS)

    def prepare(self) -> None:
        """Migrate, load the demo data into an empty database, collect the static files."""
        demo = ["--demo"] if self._configuration.loads_demo else []
        steps = [["-m", "devtools.launcher.prepare", *demo]]
        root, folder = self._configuration.root, self._configuration.state
        collects = not static_files.are_collected(root=root, state=folder)
        if collects:
            steps.append(["manage.py", "collectstatic", "--noinput", "--verbosity", "0"])
        self._run_side_by_side(steps)
        if collects:
            static_files.mark_collected(root=root, state=folder)

    def start_product(self) -> None:
        """Start web, workers and beat, and wait until the web process says that all are there."""
        assert self._supervisor is not None
        self._supervisor.start_group()
        self._await("web", self._configuration.port, self._is_ready, _WEB_SECONDS)
        state.publish_instance(self._configuration.state, self._facts())

    def ready_text(self) -> str:
        """What to tell once everything answers."""
        return banner.ready_text(self._configuration, self._servers)

    def watch(self) -> None:
        """Wait for a signal. Raises StartError should the supervisor itself die."""
        assert self._supervisor is not None
        while self._supervisor.is_alive():
            time.sleep(0.5)
        raise StartError("The supervisor died; everything it ran ends with it.")

    def stop(self) -> None:
        """Stop every process, and end what escaped its parent's care."""
        state.forget_instance(self._configuration.state)
        if self._supervisor is not None:
            self._supervisor.stop()
        self._end_leftovers()
        if self._logs is not None:
            self._logs.close()

    def _end_leftovers(self) -> None:
        folder = self._configuration.state
        folders = [postgres.data_folder(folder / "postgres"), folder / "redis" / "data"]
        names = end_leftovers(folders=folders, mark=str(folder))
        if names:
            banner.show(f"Ended what an earlier start had left running: {', '.join(names)}.")

    def _await(self, name: str, port: int, answers: Callable[[], bool], seconds: float) -> None:
        """Wait until `answers` and until it is our own process that listens on `port`."""
        assert self._supervisor is not None
        deadline = time.monotonic() + seconds
        pause = 0.05
        while True:
            pid = self._supervisor.pid_of(name)
            if pid is not None and answers() and ports.listens(pid=pid, port=port):
                return
            if not self._supervisor.is_alive():
                raise StartError("The supervisor could not start; see its lines above.")
            if time.monotonic() > deadline:
                log = self._configuration.state / "log" / f"{name}.log"
                raise StartError(f"{name} did not answer within {seconds:.0f} s; see {log}.")
            time.sleep(pause)
            pause = min(pause * 1.5, 1.0)

    def _is_ready(self) -> bool:
        """Whether all is there, workers and beat too, without which it would be "degraded"."""
        url = f"{self._configuration.url}health/ready/"
        try:
            return bool(httpx.get(url, timeout=5, trust_env=False).json()["status"] == "ready")
        except (httpx.HTTPError, ValueError, KeyError):
            return False

    def _run_side_by_side(self, steps: list[list[str]]) -> None:
        processes = [
            subprocess.Popen(
                [sys.executable, *step],
                cwd=self._configuration.root,
                env=self._environment,
                start_new_session=True,
            )
            for step in steps
        ]
        try:
            statuses = [process.wait() for process in processes]
        except BaseException:
            for process in processes:
                process.kill()
            raise
        if any(statuses):
            raise StartError("The database or the static files could not be prepared; see above.")

    def _facts(self) -> dict[str, Any]:
        given = self._configuration.environment
        added = {k: v for k, v in self._environment.items() if given.get(k) != v}
        facts: dict[str, Any] = {"url": self._configuration.url, "environment": added}
        if self._servers.stripe is not None:
            facts["stripe_url"] = self._servers.stripe.url
            facts["stripe_public_key"] = self._servers.stripe.public_key
        return facts


@contextmanager
def _signals_raise() -> Iterator[None]:
    """Turn the first request to stop into an exception in the main thread."""

    def stop(number: int, frame: FrameType | None) -> None:
        _ignore_signals()
        raise _StopRequested

    before = {number: signal.signal(number, stop) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ignore_signals() -> None:
    """A stop under way is bounded in time; a second Ctrl-C must not leave orphans."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
