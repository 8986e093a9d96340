"""Processes that outlived a launcher killed without warning, and how the next start ends them."""

from collections.abc import Sequence
from pathlib import Path

import psutil

MARK = "LEARNFLOW_LAUNCHED_FOR"

_GRACE_SECONDS = 15.0


def end_leftovers(*, folders: Sequence[Path], mark: str | None = None) -> list[str]:
    """End what an earlier start left running, and answer the names of those programs.

    A leftover works in one of `folders` (as PostgreSQL and Redis do in their data folders), or
    carries `mark` in its environment under the name MARK. This process and its ancestors stay.
    """
    own = {process.pid for process in (psutil.Process(), *psutil.Process().parents())}
    resolved = {str(folder.resolve()) for folder in folders}
    leftovers = [
        process
        for process in psutil.process_iter(["name"])
        if process.pid not in own and _belongs(process, resolved, mark)
    ]
    for process in leftovers:
        _quietly(process.terminate)
    _, stubborn = psutil.wait_procs(leftovers, timeout=_GRACE_SECONDS)
    for process in stubborn:
        _quietly(process.kill)
    psutil.wait_procs(stubborn, timeout=5)
    return sorted({process.info["name"] for process in leftovers})


def _belongs(process: psutil.Process, folders: set[str], mark: str | None) -> bool:
    try:
        if process.cwd() in folders:
            return True
        return mark is not None and process.environ().get(MARK) == mark
    except (psutil.Error, OSError):
        return False


def _quietly(action: object) -> None:
    if callable(action):
        try:
            action()
        except psutil.NoSuchProcess:
            return
