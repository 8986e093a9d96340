"""A sample of the points at which `make crash-test` kills the product: some of each flow. How soon
each is over is the whole run's to show, on a machine that does nothing else."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(7200)]

_ROOT = Path(__file__).resolve().parents[2]


def test_nothing_is_lost_or_done_twice_when_a_process_is_killed() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.crash", "--every", "90", "--patience", "300"],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    output = done.stdout + done.stderr
    assert done.returncode == 0, output[-8000:]
    points = re.search(r"(\d+) points enumerated; the invariants held after each", output)
    assert points, output[-8000:]
    assert int(points.group(1)) >= 8
