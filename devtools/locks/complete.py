"""Completes a lock by the lines that pip wants beside the ones uv writes.

For pip `name`, `name[a]` and `name[a,b]` are three requirements, and each that somebody asks for
must be pinned by itself. uv writes one line with every extra that is taken.
"""

import re
import sys
from pathlib import Path

_EXTRAS = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)\[(?P<extras>[^\]]+)\]==")


def main(arguments: list[str]) -> int:
    """Complete each of the locks named."""
    for path in map(Path, arguments):
        path.write_text(complete_lock(path.read_text()))
    return 0


def complete_lock(text: str) -> str:
    """Add the line without extras, and one for each single extra, before each line with extras."""
    lines = text.splitlines(keepends=True)
    there = {line.partition("==")[0] for line in lines}
    completed: list[str] = []
    for number, line in enumerate(lines):
        if found := _EXTRAS.match(line):
            extras = [extra.strip() for extra in found["extras"].split(",")]
            singles = [f"[{extra}]" for extra in extras] if len(extras) > 1 else []
            pinned = line[found.end() - 2 :]
            hashes = _hashes_after(lines, number)
            for asked in ("", *singles):
                if f"{found['name']}{asked}" not in there:
                    completed += [f"{found['name']}{asked}{pinned}", *hashes]
        completed.append(line)
    return "".join(completed)


def _hashes_after(lines: list[str], number: int) -> list[str]:
    hashes: list[str] = []
    for line in lines[number + 1 :]:
        if not line.lstrip().startswith("--hash"):
            break
        hashes.append(line)
    return hashes


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
