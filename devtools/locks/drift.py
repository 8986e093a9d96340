"""Tells whether a lock still says what its `.in` file asks for.

Every requirement of `NAME.in` is pinned in `NAME.txt`, to a version it allows and with the extras
it asks for, and nothing is pinned for a line that is gone.
"""

import re
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(?:\[(?P<extras>[^\]]*)\])?==(?P<version>[^\s;]+)")
_VIA = re.compile(r"-r (?P<file>\S+\.in)")


def find_drift(source: Path) -> list[str]:
    """What the lock beside `source` gets wrong, one line each; empty when it is up to date."""
    lock = source.with_suffix(".txt")
    if not lock.exists():
        return [f"{lock} is missing: run make lock"]
    pins, asked = _read_lock(lock)
    wanted = {canonicalize_name(entry.name): entry for entry in _read_requirements(source)}
    problems = [
        f"{lock}: {name} is not pinned to a version that {source.name} allows: run make lock"
        for name, entry in wanted.items()
        if not any(entry.specifier.contains(version) for version in pins.get(name, ()))
    ]
    problems += [
        f"{lock}: {name} is pinned for {source.name}, which no longer asks for it: run make lock"
        for name in sorted(asked.get(source.name, set()) - wanted.keys())
    ]
    return problems


def _read_requirements(source: Path) -> list[Requirement]:
    """The requirements of `source` and of the files it includes with `-r`."""
    requirements: list[Requirement] = []
    for raw in source.read_text().splitlines():
        line = raw.split(" #")[0].strip()
        if line.startswith("-r "):
            requirements += _read_requirements(source.parent / line.removeprefix("-r ").strip())
        elif line and not line.startswith("#"):
            requirements.append(Requirement(line))
    return requirements


def _read_lock(lock: Path) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """The pinned versions by name, and the names by the `.in` file that asked for them."""
    pins: dict[str, set[str]] = {}
    asked: dict[str, set[str]] = {}
    name = ""
    for line in lock.read_text().splitlines():
        if pin := _PIN.match(line):
            name = canonicalize_name(pin["name"])
            pins.setdefault(name, set()).add(pin["version"])
        for via in _VIA.finditer(line):
            asked.setdefault(Path(via["file"]).name, set()).add(name)
    return pins, asked
