"""The command line: names what is wrong with the locks of a folder, one line each."""

import sys
from pathlib import Path

from devtools.locks.drift import find_drift
from devtools.locks.extras import find_missing_extras
from devtools.locks.pins import read_pins
from devtools.locks.trial import OldPipError, try_install
from devtools.printable import be_printable


def main(arguments: list[str]) -> int:
    """Check every lock of the folder; 1 when something is wrong with one."""
    be_printable()
    sources = sorted(Path(arguments[0]).glob("*.in"))
    problems = [line for source in sources for line in find_drift(source)]
    problems += [line for source in sources for line in _find_faults(source)]
    # Tried last, as it takes longest and says least clearly what is missing.
    problems = problems or [line for source in _installed(sources) for line in _try(source)]
    for problem in problems:
        print(problem)
    return 1 if problems else 0


def _find_faults(source: Path) -> list[str]:
    lock = source.with_suffix(".txt")
    return [f"{lock}: {line}" for line in find_missing_extras(read_pins(lock))]


def _try(source: Path) -> list[str]:
    lock = source.with_suffix(".txt")
    try:
        refusal = try_install(read_pins(lock))
    except OldPipError as problem:
        refusal = str(problem)
    return [f"{lock}: {refusal}"] if refusal else []


def _installed(sources: list[Path]) -> list[Path]:
    """Those that are installed as they are; the rest is part of one of them."""
    texts = [source.read_text() for source in sources]
    return [
        source for source in sources if not any(f"-r {source.name}\n" in text for text in texts)
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
