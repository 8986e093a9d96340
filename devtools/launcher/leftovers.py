"""Processes that outlived a launcher killed without warning, and how the next start ends them."""

import contextlib
import signal
from collections.abc import Sequence
from pathlib import Path

import psutil

MARK = "LEARNFLOW_LAUNCHED_FOR"

_GRACE_SECONDS = 15.0


def end_leftovers(*, folders: Sequence[Path], mark: str) -> list[str]:
    """End what an earlier start left running, and answer the names of those programs.

    A leftover carries `mark` in its environment under the name MARK or, as some servers overwrite
    theirs, works in one of `folders`. This process and its ancestors stay.
    """
    own = {process.pid for process in (psutil.Process(), *psutil.Process().parents())}
    resolved = {str(folder.resolve()) for folder in folders}
    leftovers = {
        process.pid: process
        for process in psutil.process_iter(["name", "ppid"])
        if process.pid not in own and _belongs(process, resolved, mark)
    }
    for process in leftovers.values():
        if process.info["ppid"] not in leftovers:  # Children are their parent's to stop.
            _send(process, _gentle_signal(process))
    _, stubborn = psutil.wait_procs(leftovers.values(), timeout=_GRACE_SECONDS)
    for process in stubborn:
        _send(process, signal.SIGKILL)
    psutil.wait_procs(stubborn, timeout=5)
    return sorted({process.info["name"] for process in leftovers.values()})


def _belongs(process: psutil.Process, folders: set[str], mark: str) -> bool:
    try:
        return process.cwd() in folders or process.environ().get(MARK) == mark
    except (psutil.Error, OSError):
        return False


def _gentle_signal(process: psutil.Process) -> signal.Signals:
    """PostgreSQL takes SIGTERM as "when the last client has gone", SIGINT as "now, in order"."""
    return signal.SIGINT if process.info["name"] == "postgres" else signal.SIGTERM


def _send(process: psutil.Process, number: signal.Signals) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(number)
