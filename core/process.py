"""What this process is for. A visitor waits for what a web process does, nobody for the others."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Literal

Role = Literal["web", "worker", "command"]

_role: Role = "command"


def become(role: Role) -> None:
    """Say what this process is. Before that, it is a command."""
    global _role  # noqa: PLW0603 - a process is one thing
    _role = role


def role() -> Role:
    """Return what this process is."""
    return _role


def step_back(niceness: int) -> None:
    """Leave the processors to others where they are short; processes that are made after this do
    so, too. Linux weighs sessions against each other before it looks at the processes in them
    (autogroup): one that leads a session steps back with all of it, as it would else not do so
    behind anybody. Containers are weighed by `cpu_shares` alone."""
    if hasattr(os, "nice"):
        os.nice(niceness)
    if hasattr(os, "getsid") and os.getsid(0) == os.getpid():
        with suppress(OSError):
            Path("/proc/self/autogroup").write_text(str(niceness))
