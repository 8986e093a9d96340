"""What is wrong with a course file, named so that its author finds the place."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NoReturn

from core.echo import cut
from courses.errors import CourseFileInvalid, CourseFileMalformed

# A file with more faults than this isn't mended by reading on.
MAX_FAULTS = 100
# Of what the file itself says, e.g. a property's name, only so much is repeated.
LONGEST_QUOTE = 60


@dataclass(frozen=True)
class Fault:
    """One fault. `path` is a JSON path (RFC 9535) as `$.curriculum[2].title`, `$` for the document
    as a whole, or the name of a file within a ZIP. `malformed` is what a reader can't make sense
    of: broken syntax, a wrong type, a missing part."""

    path: str
    message: str
    malformed: bool = False


def refuse(faults: Iterable[Fault]) -> NoReturn:
    """Raise CourseFileMalformed when any fault is of that kind, else CourseFileInvalid. `details`
    has the messages by path: the first MAX_FAULTS, and under `...` that there are more."""
    found = list(faults)
    details: defaultdict[str, list[str]] = defaultdict(list)
    for fault in found[:MAX_FAULTS]:
        details[fault.path].append(fault.message)
    if len(found) > MAX_FAULTS:
        details["..."].append("There are more faults; these are the first.")
    kind = CourseFileMalformed if any(fault.malformed for fault in found) else CourseFileInvalid
    raise kind(None, **details)


def quote(text: str) -> str:
    """Return what a file says as it may be repeated: printable, and not longer than of use."""
    shown = cut(text, limit=LONGEST_QUOTE)
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in shown)


def step_into(path: str, key: str | int) -> str:
    """Return the path of an item or property of what `path` names."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    return (
        f"{path}.{key}"
        if key.isidentifier() and len(key) <= LONGEST_QUOTE
        else (f"{path}['{quote(key)}']")
    )
