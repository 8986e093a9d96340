"""The launcher for real: it starts everything, mends what dies, and leaves nothing behind."""

import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from devtools.launcher.leftovers import MARK
from devtools.launcher.ports import choose_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

_ROOT = Path(__file__).resolve().parents[2]
_UNCONFIGURED = ("DATABASE_URL", "REDIS_URL", "STRIPE_SECRET_KEY", "EMAIL_HOST", "PORT")
_PATIENCE = 120.0


class _Launcher:
    """`python -m devtools.launcher run` with a state folder and a port of its own."""

    def __init__(self, state: Path) -> None:
        self.state = state
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("DJANGO_SETTINGS")}
        settings = {
            # An empty value is "not configured", whatever a developer's .env says.
            **dict.fromkeys(_UNCONFIGURED, ""),
            "PORT": str(choose_port()),
            "LEARNFLOW_STATE": str(state),
            "LEARNFLOW_DEMO": "off",
            "WEB_CONCURRENCY": "1",
        }
        self.environment = inherited | settings
        self.process = self.start()
        self.lines: list[str] = []
        self._queue: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "devtools.launcher", "run"],
            env=self.environment,
            cwd=_ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def await_line(self, text: str) -> str:
        """The next line with `text` in it."""
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            try:
                line = self._queue.get(timeout=0.5)
            except queue.Empty:
                continue
            if text in line:
                return line
        raise AssertionError(f"no line with {text!r} among:\n{''.join(self.lines)}")

    def children(self) -> list[psutil.Process]:
        """Every process of this instance, however it came to be."""
        descendants = psutil.Process(self.process.pid).children(recursive=True)
        return [process for process in descendants if process.is_running()]

    def child(self, part: str) -> psutil.Process:
        """The first process of this instance with `part` in its command line."""
        return next(p for p in self.children() if part in " ".join(p.cmdline()))

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            self._queue.put(line)


@pytest.fixture
def launcher() -> Iterator[_Launcher]:
    # Not pytest's own folder, which another user, such as root's PostgreSQL, may not enter.
    with tempfile.TemporaryDirectory(prefix="learnflow-") as folder:
        Path(folder).chmod(0o711)
        instance = _Launcher(Path(folder) / "state")
        yield instance
        instance.process.terminate()
        instance.process.wait(timeout=90)
        assert instance.process.stdout is not None
        instance.process.stdout.close()


def test_it_starts_mends_refuses_a_second_and_stops_clean(launcher: _Launcher) -> None:
    port = launcher.environment["PORT"]
    launcher.await_line(f"LearnFlow is ready at http://127.0.0.1:{port}/")

    launcher.child("celery --app learnflow --quiet worker").kill()
    launcher.await_line("exited: worker (terminated by SIGKILL; not expected)")
    launcher.await_line("spawned: 'worker'")
    launcher.child("redis-server").kill()
    launcher.await_line("exited: redis (terminated by SIGKILL; not expected)")
    launcher.await_line("spawned: 'redis'")

    with launcher.start() as second:
        refusal, _ = second.communicate(timeout=30)
    assert second.returncode == 1
    assert refusal.startswith("LearnFlow: LearnFlow already runs with the state folder")

    children = launcher.children()
    assert len(children) > 6
    launcher.process.send_signal(signal.SIGTERM)
    launcher.process.send_signal(signal.SIGINT)  # As from an impatient second Ctrl-C.

    assert launcher.process.wait(timeout=60) == 0
    assert [process for process in children if process.is_running()] == []
    assert not any(_is_marked(process, launcher.state) for process in psutil.process_iter())


def _is_marked(process: psutil.Process, state: Path) -> bool:
    try:
        return process.environ().get(MARK) == str(state)
    except psutil.Error:
        return False
