"""Refusing to start."""

import sys
from collections.abc import Iterable
from typing import NoReturn


def stop_start(problems: Iterable[str]) -> NoReturn:
    """End the process with a line for each problem. By SystemExit: of any other exception web
    server, worker and commands show where in the code it was raised, which tells an operator
    nothing."""
    sys.exit("\n".join(f"LearnFlow can't start, {problem}" for problem in problems))
