"""What the launcher can't go on with, said in words."""

import os
import pwd
from pathlib import Path


class LauncherError(Exception):
    """The text tells the operator what is wrong and what to do; nothing else is to be shown."""


def describe(problem: OSError) -> str:
    """What the system refused, where, and whose that is if it is somebody else's."""
    text = problem.strerror or str(problem) or type(problem).__name__
    if problem.filename is None:
        return f"{text}."
    path = Path(os.fsdecode(problem.filename))
    text = f"{path}: {text}."
    if isinstance(problem, PermissionError):
        text += _whose(path)
    return text


def name_of(uid: int) -> str:
    """The name of a user, or his number where this machine has no name for it."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def _whose(path: Path) -> str:
    for place in (path, *path.parents):
        try:
            owner = place.stat().st_uid
        except OSError:
            continue
        if owner == os.geteuid():
            return ""
        return f" {place} belongs to {name_of(owner)}, and this is {name_of(os.geteuid())}."
    return ""
