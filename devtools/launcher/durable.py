"""Files and folders that are there whole or not at all, whenever the power goes."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


def write_private(path: Path, content: Mapping[str, object]) -> None:
    """Write `content` as JSON in one step, for the owner alone."""
    write_text(path, json.dumps(content, indent=2), mode=0o600)


def write_text(path: Path, text: str, *, mode: int) -> None:
    """Write `text` in one step: no reader and no crash ever sees half of it, or none of it."""
    unfinished = unfinished_name(path)
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with naming(path), os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    put_in_place(unfinished, path)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Let an error of the system name `path`, as one of an open file names nothing."""
    try:
        yield
    except OSError as problem:
        if problem.filename is None:
            problem.filename = str(path)
        raise


def unfinished_name(path: Path) -> Path:
    """What `path` is called beside it until it is whole."""
    return path.with_name(f"{path.name}.new")


def put_in_place(unfinished: Path, path: Path) -> None:
    """Give `unfinished`, which is whole and on the disk, its name; a folder must be new."""
    unfinished.replace(path)
    sync(path.parent)


def sync_tree(folder: Path) -> None:
    """Bring everything in `folder` to the disk."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            sync(path)


def sync(path: Path) -> None:
    """Bring one file, or the names in one folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
