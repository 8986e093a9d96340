"""Tests of one group have one worker: they share a database of Redis, an instance, a Makefile."""

import os
import subprocess
import sys
from pathlib import Path

FILE = """
import os
import pytest

@pytest.mark.xdist_group("one")
@pytest.mark.parametrize("number", range(4))
def test_where(number):
    with open({ran_at!r}, "a") as file:
        file.write(os.environ["PYTEST_XDIST_WORKER"] + "\\n")
"""


def test_tests_of_one_group_have_one_worker(tmp_path: Path) -> None:
    ran_at = tmp_path / "ran-at"
    tests = tmp_path / "test_group.py"
    tests.write_text(FILE.format(ran_at=str(ran_at)))
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadgroup", "-p", "no:django",
         "--rootdir", tmp_path, "-c", os.devnull, tests],
        cwd=tmp_path, env=ours, check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    workers = ran_at.read_text().split()
    assert len(workers) == 4
    assert len(set(workers)) == 1
