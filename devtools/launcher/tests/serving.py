"""An embedded server, for as long as a test needs it."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from devtools.launcher.postgres import Postgres
from devtools.launcher.redis import Redis

# Only so that a failure ends: a busy machine may take its time.
_PATIENCE = 300.0


@contextmanager
def serving(server: Postgres | Redis) -> Iterator["subprocess.Popen[bytes]"]:
    """Keep the server running for the block, which begins when it answers."""
    server.prepare()
    process = subprocess.Popen(
        server.command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/"
    )
    try:
        deadline = time.monotonic() + _PATIENCE
        while not server.answers():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield process
    finally:
        process.send_signal(server.stop_signal)
        process.wait(timeout=_PATIENCE)
