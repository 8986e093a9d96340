"""Whether the static files were collected since they last changed, and how they are put in place.

They are collected into an empty folder, since `collectstatic` takes a file that is newer than its
source for a copy of it, and what a killed one has half written is newer.
"""

import hashlib
import os
import shutil
from pathlib import Path

from devtools.launcher.durable import write_text

_STAMP = "static.stamp"


def fingerprint(root: Path) -> str:
    """A digest that changes with the project's static files and with its requirements."""
    digest = hashlib.sha256((root / "requirements" / "development.txt").read_bytes())
    for path in sorted(root.glob("*/static/**/*")):
        status = path.stat()
        digest.update(f"{path}:{status.st_size}:{status.st_mtime_ns}".encode())
    return digest.hexdigest()


def are_collected(*, root: Path, state: Path, target: Path) -> bool:
    """Whether `target` holds what the last `put_in_place` of the same files left there."""
    try:
        kept = (state / _STAMP).read_text(encoding="utf-8")
    except (FileNotFoundError, ValueError):
        return False
    return kept == _stamp(root, target) and target.is_dir()


def empty_folder(state: Path) -> Path:
    """A new, empty folder to collect into."""
    folder = state / "static.new"
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir()
    return folder


def put_in_place(*, root: Path, state: Path, target: Path) -> None:
    """Let `target` hold what was collected into `empty_folder`, and remember that it does."""
    (state / _STAMP).unlink(missing_ok=True)
    collected = state / "static.new"
    os.sync()  # What the stamp says must hold after a power cut, too.
    if target == state / "static":
        if target.exists():
            shutil.rmtree(target)
        collected.rename(target)
    else:
        # Somebody's own folder: it may hold more than ours.
        shutil.copytree(collected, target, dirs_exist_ok=True)
        shutil.rmtree(collected)
    write_text(state / _STAMP, _stamp(root, target), mode=0o644)


def _stamp(root: Path, target: Path) -> str:
    return f"{fingerprint(root)} {target}"
