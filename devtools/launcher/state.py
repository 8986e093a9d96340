"""The state folder: one launcher's at a time, with the secrets and ports of this installation."""

import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from devtools.launcher import postgres

_LOCK = "launcher.lock"
_SECRETS = "secrets.json"
_PORTS = "ports.json"
_INSTANCE = "instance.json"
_ENTRIES = ("postgres", "redis", "stripe", "log", "run", "metrics", "mail", "media",
            "media-private", "static", "static.stamp", _SECRETS, _PORTS, _INSTANCE)  # fmt: skip


class StateInUseError(Exception):
    """Another launcher works with this state folder; the text is one line for the operator."""


@contextmanager
def lock_state(folder: Path) -> Iterator[None]:
    """Hold the state folder, made if need be, for one launcher.

    The system frees it when the process ends, however that happens. Raises StateInUseError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _LOCK).open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise StateInUseError(
                f"LearnFlow already runs with the state folder {folder} (process "
                f"{lock.read().strip() or 'unknown'}). Stop it first, or set LEARNFLOW_STATE and "
                "PORT to start a second one."
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def load_secrets(folder: Path) -> dict[str, str]:
    """The secrets of this installation, made at the first start and readable by its owner alone."""
    path = folder / _SECRETS
    if path.exists():
        return dict(json.loads(path.read_text()))
    made = {
        "SECRET_KEY": secrets.token_urlsafe(48),
        "JWT_SECRET": secrets.token_urlsafe(48),
        "SERVER_PASSWORD": secrets.token_urlsafe(24),
        "STRIPE_SECRET_KEY": f"sk_test_{secrets.token_hex(24)}",
        "STRIPE_PUBLIC_KEY": f"pk_test_{secrets.token_hex(24)}",
        "STRIPE_WEBHOOK_SECRET": f"whsec_{secrets.token_hex(24)}",
    }
    write_private(path, made)
    return made


def load_ports(folder: Path) -> dict[str, int]:
    """The ports the embedded servers had at the last start, by name; empty at the first."""
    path = folder / _PORTS
    return dict(json.loads(path.read_text())) if path.exists() else {}


def save_ports(folder: Path, ports: Mapping[str, int]) -> None:
    """Keep `ports` for the next start."""
    write_private(folder / _PORTS, ports)


def publish_instance(folder: Path, facts: Mapping[str, Any]) -> None:
    """Leave `facts` for tools that talk to the running instance, such as `make demo-purchase`.

    They may hold secrets: the file is its owner's alone.
    """
    write_private(folder / _INSTANCE, facts)


def read_instance(folder: Path) -> dict[str, Any] | None:
    """What the running instance published, or None when none runs or ever ran."""
    path = folder / _INSTANCE
    return dict(json.loads(path.read_text())) if path.exists() else None


def forget_instance(folder: Path) -> None:
    """Take back what `publish_instance` left."""
    (folder / _INSTANCE).unlink(missing_ok=True)


def remove_state(folder: Path) -> int:
    """Delete what the launcher made in `folder`, and the folder itself if that empties it.

    Answers 0. Raises StateInUseError while a launcher runs with it.
    """
    if not (folder / _LOCK).exists():
        return 0
    with lock_state(folder):
        postgres.remove_data(folder / "postgres")
        for name in _ENTRIES:
            path = folder / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        (folder / _LOCK).unlink()
    if not any(folder.iterdir()):
        folder.rmdir()
    return 0


def write_private(path: Path, content: Mapping[str, object]) -> None:
    """Write `content` as JSON in one step, so that no reader or crash ever sees half a file."""
    unfinished = path.with_suffix(".new")
    unfinished.touch(mode=0o600)
    unfinished.write_text(json.dumps(content, indent=2))
    unfinished.replace(path)
