"""How the commands about money speak: to people, to files, and by their exit status."""

from django.core.management.base import OutputWrapper
from rich.console import Console

# The exit status of a command that couldn't look (to the end); 1 says that it looked and found
# something. It is the one that a wrong option ends in, too.
NOT_LOOKED = 2
# More than the widest table: columns are as wide as what is in them.
_UNBOUNDED = 100_000


def console_for(out: OutputWrapper) -> Console:
    """Return a console for a command's output. What isn't read on a terminal (a file, `grep`, a
    log) is never broken into lines: an id stays whole, and a row is one line."""
    return Console(file=out, width=None if out.isatty() else _UNBOUNDED)  # type: ignore[arg-type]
