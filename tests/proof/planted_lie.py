"""What a lie is."""

import re
from dataclasses import dataclass

# The key of rows that never were.
FORGED = "00000000-0000-7000-8000-00000000f0f0"
# … and of rows of 2020.
LONG_AGO = "016f5e66-e800-7000-8000-00000000f0f0"


@dataclass(frozen=True, kw_only=True)
class Lie:
    """Statements that plant it, and the invariant that must name it."""

    name: str
    expects: str
    statements: tuple[str, ...]

    @property
    def columns(self) -> set[str]:
        """The columns it changes, as `table.column`."""
        found = set()
        for statement in self.statements:
            if update := re.match(r"UPDATE (\w+)(?: \w+)? SET (.+?)(?: FROM | WHERE )", statement):
                names = re.findall(r"(\w+) = ", update[2])
                found |= {f"{update[1]}.{name}" for name in names}
        return found


def lie(name: str, expects: str, *statements: str) -> Lie:
    """A lie, its parts in the order in which they are read."""
    return Lie(name=name, expects=expects, statements=statements)
