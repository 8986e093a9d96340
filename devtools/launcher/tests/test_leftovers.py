"""What an earlier start left running is ended; everybody else's processes are not."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devtools.launcher.leftovers import MARK, end_leftovers

Sleeper = Callable[..., subprocess.Popen[bytes]]

_SLEEP = "import time; print('up', flush=True); time.sleep(3600)"
_DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {_SLEEP}"


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[Sleeper]:
    started: list[subprocess.Popen[bytes]] = []

    def start(
        *, mark: str = "", cwd: Path = tmp_path, code: str = _SLEEP
    ) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            env=os.environ | {MARK: mark},
            cwd=cwd,
            stdout=subprocess.PIPE,
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_marked_processes_end_and_others_stay(sleeper: Sleeper, tmp_path: Path) -> None:
    leftover, stranger = sleeper(mark=str(tmp_path)), sleeper(mark=f"{tmp_path}-other")

    assert end_leftovers(folders=[], mark=str(tmp_path))

    assert leftover.poll() is not None
    assert stranger.poll() is None


def test_processes_that_work_in_a_data_folder_end(sleeper: Sleeper, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    leftover, stranger = sleeper(cwd=data), sleeper()

    end_leftovers(folders=[data], mark=str(tmp_path))

    assert leftover.poll() is not None
    assert stranger.poll() is None


def test_one_that_ignores_the_request_is_killed(
    sleeper: Sleeper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("devtools.launcher.leftovers._GRACE_SECONDS", 0.2)
    leftover = sleeper(mark=str(tmp_path), code=_DEAF)

    end_leftovers(folders=[], mark=str(tmp_path))

    assert leftover.poll() is not None


def test_nothing_left_is_nothing_to_tell(tmp_path: Path) -> None:
    assert end_leftovers(folders=[], mark=str(tmp_path)) == []
