"""What this process is for. A visitor waits for what a web process does, nobody for the others."""

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
