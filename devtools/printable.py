"""What every command line of the developer's tools does first.

The standard library alone: `devtools.install` runs before anything is installed.
"""

import io
import sys


def be_printable() -> None:
    """Let no letter be an error that the terminal doesn't know."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
