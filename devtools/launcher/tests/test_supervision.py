"""supervisord as the launcher sets it up."""

import os
import signal
import sys
import time
from pathlib import Path

from devtools.launcher.supervision import Program, Supervisor

_SLEEP = "import os, time; print(os.environ['GREETING'], flush=True); time.sleep(3600)"
# Only so that a failure ends: a busy machine may take its time.
_PATIENCE = 300.0


def _await_pid(supervisor: Supervisor, name: str, *, other_than: int = 0) -> int:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        pid = supervisor.pid_of(name)
        if pid is not None and pid != other_than:
            return pid
        time.sleep(0.05)
    raise AssertionError(f"{name} did not start")


def _await_lines(log: Path, count: int) -> None:
    """A signal would be lost on a process that has not become its program yet."""
    deadline = time.monotonic() + _PATIENCE
    while not log.exists() or len(log.read_text().splitlines()) < count:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_programs_are_restarted_and_stopped(tmp_path: Path) -> None:
    folder = tmp_path / "a folder with 100 % odd % signs"
    program = Program("sleeper", [sys.executable, "-c", _SLEEP], rank=10)
    waiting = Program("waiting", [sys.executable, "-c", _SLEEP], rank=20, in_group=True)
    supervisor = Supervisor(
        programs=[program, waiting], run=folder / "run", logs=folder / "log", root=tmp_path
    )
    supervisor.start(os.environ | {"GREETING": "100 % well"})
    try:
        first = _await_pid(supervisor, "sleeper")
        assert supervisor.pid_of("waiting") is None
        supervisor.start_group()
        second = _await_pid(supervisor, "waiting")
        _await_lines(folder / "log" / "waiting.log", 1)
        os.kill(second, signal.SIGKILL)
        third = _await_pid(supervisor, "waiting", other_than=second)
        _await_lines(folder / "log" / "waiting.log", 2)
        _await_lines(folder / "log" / "sleeper.log", 1)
    finally:
        supervisor.stop()

    assert not supervisor.is_alive()
    for pid in (first, second, third):
        assert not Path(f"/proc/{pid}").exists()
    assert (folder / "log" / "sleeper.log").read_text() == "100 % well\n"
