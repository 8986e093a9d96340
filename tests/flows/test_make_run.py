"""The launcher for real: it starts everything, mends what dies, and leaves nothing behind."""

import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from devtools.launcher.leftovers import MARK
from tests.flows.instance import Instance

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800), pytest.mark.xdist_group("instance")]


@pytest.fixture
def launcher() -> Iterator[Instance]:
    with Instance.start() as instance:
        yield instance


def test_it_starts_mends_refuses_a_second_and_stops_clean(launcher: Instance) -> None:
    port = launcher.environment["PORT"]
    launcher.await_line(f"LearnFlow is ready at http://127.0.0.1:{port}/")

    launcher.child("--queues money").kill()
    launcher.await_line("exited: worker-money (terminated by SIGKILL; not expected)")
    launcher.await_line("spawned: 'worker-money'")
    launcher.child("valkey-server").kill()
    launcher.await_line("exited: redis (terminated by SIGKILL; not expected)")
    launcher.await_line("spawned: 'redis'")

    with launcher.launch() as second:
        refusal, _ = second.communicate(timeout=300)
    assert second.returncode == 1
    assert refusal.startswith("LearnFlow: LearnFlow already runs with the state folder")

    children = launcher.children()
    assert len(children) > 6
    launcher.process.send_signal(signal.SIGTERM)
    launcher.process.send_signal(signal.SIGINT)  # As from an impatient second Ctrl-C.

    assert launcher.process.wait(timeout=300) == 0
    assert [process for process in children if process.is_running()] == []
    assert not any(_is_marked(process, launcher.state) for process in psutil.process_iter())


def _is_marked(process: psutil.Process, state: Path) -> bool:
    try:
        return process.environ().get(MARK) == str(state)
    except psutil.Error:
        return False
