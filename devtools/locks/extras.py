"""Tells which requirements of a lock's packages no line of it pins as they are asked for.

For pip `name` and `name[extra]` are two requirements. Once a package has a newer release than the
pinned one, an older pip refuses each that is asked for and not pinned by a line of its own.
"""

from collections.abc import Sequence

from packaging.utils import canonicalize_name

from devtools.locks.pins import NotInstalledError, Pin, pins_that_apply


def find_missing_extras(pins: Sequence[Pin]) -> list[str]:
    """What the installed packages ask for and no pin says, one line each."""
    applying = pins_that_apply(pins)
    pinned = {(pin.name, pin.extras) for pin in applying}
    problems: list[str] = []
    for pin in applying:
        try:
            asked = pin.requirements()
        except NotInstalledError as problem:
            problems.append(str(problem))
            continue
        for requirement in asked:
            name = canonicalize_name(requirement.name)
            extras = frozenset(canonicalize_name(extra) for extra in requirement.extras)
            if (name, extras) not in pinned:
                taken = f"{name}[{','.join(sorted(extras))}]" if extras else name
                problems.append(f"no line pins {taken}, which {pin.name} asks for: run make lock")
    return sorted(set(problems))
