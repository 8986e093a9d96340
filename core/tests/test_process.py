"""What a process is for, and behind whom it steps back."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

_AUTOGROUP = Path("/proc/self/autogroup")
# Who belongs to no group, as under an init that made none, finds the file empty.
_WEIGHED = _AUTOGROUP.exists() and bool(_AUTOGROUP.read_text().strip())
_SCRIPT = """
import os
from pathlib import Path
from core.process import step_back
step_back(7)
print(os.nice(0), Path("/proc/self/autogroup").read_text().split()[-1])
"""


@pytest.mark.skipif(not _WEIGHED, reason="the kernel weighs no sessions here")
@pytest.mark.parametrize("leads", [True, False])
def test_who_leads_a_session_steps_back_with_it_and_who_doesnt_leaves_it_alone(leads: bool) -> None:
    before = _AUTOGROUP.read_text().split()[-1]
    said = subprocess.run(
        [sys.executable, "-c", _SCRIPT], start_new_session=leads, text=True, check=True,
        capture_output=True, cwd=Path(__file__).resolve().parents[2],
    )  # fmt: skip
    assert said.stdout.split() == [str(os.nice(0) + 7), "7" if leads else before]
