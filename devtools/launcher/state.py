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

import psutil

from devtools.launcher import datafolder
from devtools.launcher.durable import naming, unfinished_name, write_private
from devtools.launcher.errors import LauncherError, name_of

_LOCK = "launcher.lock"
_SECRETS = "secrets.json"
_PORTS = "ports.json"
_INSTANCE = "instance.json"
_ENTRIES = ("postgres", "redis", "stripe", "log", "run", "metrics", "mail", "media",
            "media-private", "static", "static.stamp", _SECRETS, _PORTS, _INSTANCE)  # fmt: skip


class StateInUseError(LauncherError):
    """Another launcher works with this state folder."""


class StateError(LauncherError):
    """This state folder can't be used."""


@contextmanager
def lock_state(folder: Path) -> Iterator[None]:
    """Hold the state folder, made if need be, for one launcher.

    The system frees it when the process ends, however that happens. Raises StateInUseError, and
    StateError when it is no folder, or somebody else's.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as problem:
        raise StateError(
            f"The state folder {folder} can't be made, as {problem.filename} or what lies above it "
            "is a file: set LEARNFLOW_STATE to another folder."
        ) from None
    _refuse_somebody_elses(folder)
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
        with naming(folder / _LOCK):
            lock.truncate(0)
            lock.write(f"{os.getpid()}\n")
            lock.flush()
        yield


def _refuse_somebody_elses(folder: Path) -> None:
    """A server leaves files that only its user may read: who started first starts for good."""
    try:
        owner = (folder / _SECRETS).stat().st_uid
    except FileNotFoundError:
        return
    if owner != os.geteuid():
        raise StateError(
            f"The state folder {folder} belongs to {name_of(owner)}, and this is "
            f"{name_of(os.geteuid())}: start LearnFlow as {name_of(owner)}, or set LEARNFLOW_STATE "
            "to a folder of your own."
        )


def load_secrets(folder: Path) -> dict[str, str]:
    """The secrets of this installation, made at the first start and readable by its owner alone.

    Raises StateError when they were there and are damaged: others would not open its database.
    """
    path = folder / _SECRETS
    kept: dict[str, str] = {}
    if path.exists():
        try:
            kept = dict(json.loads(path.read_text(encoding="utf-8")))
        except ValueError:
            raise StateError(
                f"{path} is damaged, and the database opens to nothing else: put a copy of it "
                "back, or begin anew with `make clean`."
            ) from None
    made = {
        "SECRET_KEY": secrets.token_urlsafe(48),
        "JWT_SECRET": secrets.token_urlsafe(48),
        "SERVER_PASSWORD": secrets.token_urlsafe(24),
        "STRIPE_SECRET_KEY": f"sk_test_{secrets.token_hex(24)}",
        "STRIPE_PUBLIC_KEY": f"pk_test_{secrets.token_hex(24)}",
        "STRIPE_WEBHOOK_SECRET": f"whsec_{secrets.token_hex(24)}",
    }
    if not made.keys() <= kept.keys():
        kept = made | kept
        write_private(path, kept)
    return kept


def load_ports(folder: Path) -> dict[str, int]:
    """The ports the embedded servers had at the last start, by name; empty if nobody knows."""
    return _read_facts(folder / _PORTS) or {}


def save_ports(folder: Path, ports: Mapping[str, int]) -> None:
    """Keep `ports` for the next start."""
    write_private(folder / _PORTS, ports)


def publish_instance(folder: Path, facts: Mapping[str, Any]) -> None:
    """Leave `facts` for tools that talk to the running instance, such as `make demo-purchase`.

    They hold while this process lives. They may hold secrets: the file is its owner's alone.
    """
    launcher = psutil.Process()
    process = {"pid": launcher.pid, "started": launcher.create_time()}
    write_private(folder / _INSTANCE, {"launcher": process, "facts": dict(facts)})


def read_instance(folder: Path) -> dict[str, Any] | None:
    """What the running instance published, or None when none runs."""
    published = _read_facts(folder / _INSTANCE)
    if not published or not _is_running(**published.get("launcher", {})):
        return None
    return dict(published["facts"])


def _is_running(pid: int = 0, started: float = 0.0) -> bool:
    try:
        # The number alone may be another process' by now.
        return abs(psutil.Process(pid).create_time() - started) < 1
    except psutil.Error:
        return False


def _read_facts(path: Path) -> dict[str, Any] | None:
    """What a file that can be made anew says, or None when it is damaged or not there."""
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError):
        return None


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
        datafolder.remove(folder / "postgres")
        for name in _ENTRIES:
            _remove(folder / name)
            _remove(unfinished_name(folder / name))
        (folder / _LOCK).unlink()
    if not any(folder.iterdir()):
        folder.rmdir()
    return 0


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
