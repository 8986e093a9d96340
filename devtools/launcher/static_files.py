"""Whether the static files were collected since they last changed."""

import hashlib
from pathlib import Path

_STAMP = "static.stamp"


def fingerprint(root: Path) -> str:
    """A digest that changes with the project's static files and with its requirements."""
    digest = hashlib.sha256((root / "requirements" / "development.txt").read_bytes())
    for path in sorted(root.glob("*/static/**/*")):
        status = path.stat()
        digest.update(f"{path}:{status.st_size}:{status.st_mtime_ns}".encode())
    return digest.hexdigest()


def are_collected(*, root: Path, state: Path) -> bool:
    """Whether `state` holds what the last `mark_collected` of the same files left."""
    stamp = state / _STAMP
    return stamp.exists() and stamp.read_text() == fingerprint(root)


def mark_collected(*, root: Path, state: Path) -> None:
    """Remember that the static files of now are collected."""
    (state / _STAMP).write_text(fingerprint(root))
