"""Tells whether a lock still says what its `.in` file asks for.

Every requirement of `NAME.in` is pinned in `NAME.txt`, to a version it allows and with the extras
it asks for, and nothing is pinned for a line that is gone.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from devtools.locks.pins import Pin, read_pins

_PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(?:\[[^\]]*\])?==")
_VIA = re.compile(r"-r (?P<file>\S+\.in)")


def find_drift(source: Path) -> list[str]:
    """What the lock beside `source` gets wrong, one line each; empty when it is up to date."""
    lock = source.with_suffix(".txt")
    if not lock.exists():
        return [f"{lock} is missing: run make lock"]
    pins, entries = read_pins(lock), _read_requirements(source)
    faults = [fault for entry in entries if (fault := _find_fault(entry, pins, source.name))]
    wanted = {canonicalize_name(entry.name) for entry in entries}
    faults += [
        f"{name} is pinned for {source.name}, which no longer asks for it"
        for name in sorted(_read_asked(lock).get(source.name, set()) - wanted)
    ]
    return [f"{lock}: {fault}: run make lock" for fault in faults]


def _find_fault(entry: Requirement, pins: Sequence[Pin], source: str) -> str | None:
    """What the pins lack of one requirement. Its extras may be spread over several lines, as those
    of the lock are: what is asked for elsewhere is in one line with it."""
    name = canonicalize_name(entry.name)
    allowed = [p for p in pins if p.name == name and entry.specifier.contains(p.version)]
    if not allowed:
        return f"{name} is not pinned to a version that {source} allows"
    taken = frozenset[str]().union(*(pin.extras for pin in allowed))
    missing = {canonicalize_name(extra) for extra in entry.extras} - taken
    if missing:
        return f"{name} is pinned without {', '.join(sorted(missing))}, which {source} asks for"
    return None


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


def _read_asked(lock: Path) -> dict[str, set[str]]:
    """The names that are pinned, by the `.in` file that asked for them."""
    asked: dict[str, set[str]] = {}
    name = ""
    for line in lock.read_text().splitlines():
        if pin := _PIN.match(line):
            name = canonicalize_name(pin["name"])
        for via in _VIA.finditer(line):
            asked.setdefault(Path(via["file"]).name, set()).add(name)
    return asked
