"""How much of the processors each part of the product takes, by the kernel's books (Linux)."""

import os
from collections.abc import Mapping
from pathlib import Path

_PROC = Path("/proc")


def read_processors(roots: Mapping[str, int]) -> dict[str, float]:
    """Return the seconds that each of these processes has had so far, with all that descend from
    it, whether these go on or have ended. Nothing where the system keeps no such books."""
    if not (_PROC / "self" / "stat").exists():
        return {}
    parents, seconds = _read_all()
    names = {pid: name for name, pid in roots.items()}
    sums = dict.fromkeys(roots, 0.0)
    for pid in seconds:
        if (name := _name_of(pid, names, parents)) is not None:
            sums[name] += seconds[pid]
    return sums


def parent_of(pid: int) -> int | None:
    """Return who started a process of this machine; None where nobody knows."""
    try:
        text = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    return int(text.rpartition(")")[2].split()[1])


def _name_of(pid: int, names: Mapping[int, str], parents: Mapping[int, int]) -> str | None:
    while pid in parents:
        if pid in names:
            return names[pid]
        pid = parents[pid]
    return None


def _read_all() -> tuple[dict[int, int], dict[int, float]]:
    """Return of each process its parent, and what it has had."""
    tick = os.sysconf("SC_CLK_TCK")
    parents, seconds = {}, {}
    for folder in _PROC.iterdir():
        if not folder.name.isdecimal():
            continue
        try:
            text = (folder / "stat").read_text()
        except OSError:
            continue  # It has ended meanwhile.
        # After the name, which may hold anything: state, parent, …, and from the 14th of all on its
        # own time, as a program and in the kernel, and that of its children that have ended.
        told = text.rpartition(")")[2].split()
        parents[int(folder.name)] = int(told[1])
        seconds[int(folder.name)] = sum(map(int, told[11:15])) / tick
    return parents, seconds
