"""`make run`: everything LearnFlow needs, started in order, kept alive, and stopped together."""

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import httpx

from devtools.launcher import banner, child, datafolder, ports, state, static_files
from devtools.launcher.configuration import Configuration
from devtools.launcher.durable import unfinished_name
from devtools.launcher.errors import LauncherError
from devtools.launcher.leftovers import end_leftovers
from devtools.launcher.logs import LogStream
from devtools.launcher.prepare import NO_DEMO
from devtools.launcher.programs import compose_environment, plan_programs, plan_servers
from devtools.launcher.supervision import Supervisor

# Generous: a server that was killed may have to repair its data on a slow disk first, and the
# machine may be busy with much else. One that ends again and again is noticed before.
_SERVER_SECONDS = 600.0
_WEB_SECONDS = 600.0
# Of one program while we wait for it.
_MOST_ENDS = 5
_PREPARE_LOG = "prepare.log"
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StartError(LauncherError):
    """The start failed."""


class _StopRequested(BaseException):
    """Somebody asked the launcher to stop."""


def run(configuration: Configuration) -> int:
    """Start everything, keep it running until a signal, stop everything. Answers 0.

    Raises LauncherError and OSError, after stopping what was started; SystemExit, before anything
    is, for settings with which nothing can start.
    """
    _insist_on_settings(configuration)
    try:
        with _signals_raise(), state.lock_state(configuration.state):
            _run_until_stopped(configuration)
    except _StopRequested:
        pass
    banner.show("LearnFlow has stopped.")
    return 0


def _insist_on_settings(configuration: Configuration) -> None:
    """As the product's processes would, one after the other, among the lines of servers."""
    # Not above: the product's package chooses settings, which a launcher for tests leaves to them.
    from core.starting import stop_start
    from learnflow.settings.starting import find_problems

    # Production's own demands are of what the launcher adds, too: its processes see to them.
    if problems := find_problems(configuration.environment, in_production=False, serves=True):
        stop_start(problems)


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


@dataclass(frozen=True)
class _Step:
    """A Python program that prepares something, and its environment."""

    arguments: Sequence[str]
    environment: Mapping[str, str]


class _Launch:
    """One start, step by step."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._secrets = state.load_secrets(configuration.state)
        state.forget_instance(configuration.state)
        self._end_leftovers()
        # Not before, as what was left over may have held it.
        ports.insist_on(configuration.port)
        self._tell_of_data_left_behind()
        self._has_demo = False
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
        (folder / "log" / _PREPARE_LOG).write_bytes(b"")
        names = ["supervisor", "prepare", *(program.name for program in programs)]
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
        steps = [_Step(["-m", "devtools.launcher.prepare", *demo], self._environment)]
        root, folder = self._configuration.root, self._configuration.state
        target = Path(self._environment["STATIC_ROOT"])
        collects = not static_files.are_collected(root=root, state=folder, target=target)
        if collects:
            collected = {"STATIC_ROOT": str(static_files.empty_folder(folder))}
            command = ["manage.py", "collectstatic", "--noinput", "--verbosity", "0"]
            steps.append(_Step(command, self._environment | collected))
        prepared, *_ = self._run_side_by_side(steps)
        self._has_demo = bool(demo) and prepared != NO_DEMO
        if collects:
            static_files.put_in_place(root=root, state=folder, target=target)

    def start_product(self) -> None:
        """Start web, workers and beat, and wait until the web process says that all are there."""
        assert self._supervisor is not None
        self._supervisor.start_group()
        self._await("web", self._configuration.port, self._is_ready, _WEB_SECONDS)
        state.publish_instance(self._configuration.state, self._facts())

    def ready_text(self) -> str:
        """What to tell once everything answers."""
        return banner.ready_text(self._configuration, self._servers, has_demo=self._has_demo)

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
        data = datafolder.locate(folder / "postgres")
        folders = [data, unfinished_name(data), folder / "redis" / "data"]
        names = end_leftovers(folders=folders, mark=str(folder))
        if names:
            banner.show(f"Ended what an earlier start had left running: {', '.join(names)}.")

    def _tell_of_data_left_behind(self) -> None:
        for data in datafolder.left_behind(self._configuration.state / "postgres"):
            banner.show(
                f"{data} holds the database of an earlier state folder at this path, which nothing "
                f"here opens any more. If you deleted that folder: rm -rf {data}"
            )

    def _await(self, name: str, port: int, answers: Callable[[], bool], seconds: float) -> None:
        """Wait until `answers` and until it is our own process that listens on `port`."""
        assert self._supervisor is not None
        deadline = time.monotonic() + seconds
        pause = 0.05
        log = self._configuration.state / "log" / f"{name}.log"
        ends: set[int] = set()
        while True:
            pid = self._supervisor.pid_of(name)
            if pid is not None and answers() and ports.listens(pid=pid, port=port):
                return
            if not self._supervisor.is_alive():
                raise StartError("The supervisor could not start; see its lines above.")
            ends.add(self._supervisor.ended_at(name))
            if len(ends) > _MOST_ENDS:
                raise StartError(f"{name} ends again and again; see its lines above, or {log}.")
            if time.monotonic() > deadline:
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

    def _run_side_by_side(self, steps: list[_Step]) -> list[int]:
        """Run all of them to their end. Answers their exit statuses: 0 or NO_DEMO."""
        with (self._configuration.state / "log" / _PREPARE_LOG).open("ab") as log:
            processes = [
                subprocess.Popen(
                    # Should the launcher be killed outright, none of them works on beside the next.
                    [sys.executable, child.__file__, "--", sys.executable, *step.arguments],
                    cwd=self._configuration.root,
                    env=dict(step.environment),
                    start_new_session=True,
                    stdin=subprocess.DEVNULL,
                    # A terminal that is gone is no reason to fail for them either.
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
                for step in steps
            ]
        try:
            statuses = [process.wait() for process in processes]
        except BaseException:
            for process in processes:
                process.kill()
                process.wait()
            raise
        if not {0, NO_DEMO}.issuperset(statuses):
            raise StartError("The database or the static files could not be prepared; see above.")
        return statuses

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
