import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.processors import parent_of, read_processors

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux' books")
_BUSY = "import time; end = time.process_time() + 0.3\nwhile time.process_time() < end: pass\n"


def test_what_descends_from_a_process_counts_with_it():
    done = f"{_BUSY}print('worked', flush=True); input()"
    nested = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {done!r}])"
    with subprocess.Popen(
        [sys.executable, "-c", nested], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "worked\n"
        had = read_processors({"busy": process.pid, "gone": 2**22})
        assert parent_of(process.pid) == os.getpid()
        process.communicate("\n")
    assert had["busy"] >= 0.3
    assert had["gone"] == 0.0


def test_who_started_a_process_that_is_gone_is_not_known():
    assert parent_of(2**22) is None
