"""The embedded Redis is told its folder whatever that is called."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from devtools.launcher.ports import choose_port
from devtools.launcher.redis import Redis


@pytest.mark.parametrize(
    "name", [b"plain", b'it\'s a "long" one', "日本 é".encode(), b"back\\slash", b"Latin \xe9"]
)
def test_it_starts_in_a_folder_of_any_name(tmp_path: Path, name: bytes) -> None:
    server = Redis(tmp_path / os.fsdecode(name), choose_port(), "secret", durable=False)
    server.prepare()
    with subprocess.Popen(server.command(), stdout=subprocess.DEVNULL, cwd="/") as process:
        try:
            deadline = time.monotonic() + 60
            while not server.answers():
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)
