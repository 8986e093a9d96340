"""The data folder of the embedded PostgreSQL: where it lies, whether it is whole, and whose it is.

It lies in the state folder. Started by root, however, the server runs as another user; where the
state folder is closed to him (in root's home, for one), it holds a link instead, to a folder under
/var/lib that no other state folder ever gets: a database and its password come and go together.
"""

import hashlib
import json
import os
import secrets
import shutil
from pathlib import Path

from devtools.launcher import binaries
from devtools.launcher.accounts import Account, account_for_postgres
from devtools.launcher.durable import sync, unfinished_name, write_text
from devtools.launcher.errors import LauncherError, name_of

# In each data folder: which state folder it belongs to, and what its password must be.
_MARK = "learnflow.json"


def locate(folder: Path) -> Path:
    """Where a server with the state `folder` keeps its data, be it there yet or not."""
    place = folder / "data"
    return Path(os.readlink(place)) if place.is_symlink() else place


def allot(folder: Path) -> Path:
    """The same, deciding it for good at the first start."""
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / "data"
    if place.is_symlink() or place.exists():
        return locate(folder)
    account = account_for_postgres(data=place)
    if account is None or account.may_read(folder):
        return place
    binaries.make_shared()
    new = binaries.SHARED / f"state-{secrets.token_hex(8)}"
    place.symlink_to(_made_by_earlier_version(folder) or new)
    sync(folder)
    return locate(folder)


def is_whole(data: Path) -> bool:
    """Whether `data` was made to the end, by this version or by one that left no mark."""
    # The last thing initdb makes is the database "postgres", whose number is 5.
    return (data / _MARK).exists() or (data / "base" / "5" / "PG_VERSION").exists()


def mark(data: Path, *, folder: Path, password: str, owner: Account | None) -> None:
    """Note in `data` that it is whole, and belongs to `folder` and `password`."""
    text = json.dumps({"state": str(folder), "key": _digest(password)})
    write_text(data / _MARK, text, mode=0o600)
    if owner is not None:
        os.chown(data / _MARK, owner.uid, owner.gid)


def check(data: Path, *, folder: Path, password: str, account: Account | None, major: str) -> None:
    """See that a server of `major` version, run as `account`, can work with what is there.

    Raises LauncherError, saying what to do, when it can't.
    """
    made_by = (data / "PG_VERSION").read_text(encoding="ascii").strip()
    if made_by != major:
        raise LauncherError(
            f"The database in {data} was made by PostgreSQL {made_by}, and this is {major}. "
            "To keep it, start the version of LearnFlow that made it and dump it with pg_dump; to "
            "begin anew, run `make clean`."
        )
    owner = data.stat().st_uid
    if owner != (account.uid if account is not None else os.geteuid()):
        raise LauncherError(
            f"The database in {data} belongs to {name_of(owner)}: start LearnFlow as before, or "
            "set LEARNFLOW_STATE to begin anew elsewhere."
        )
    if account is not None and not account.may_read(data.parent):
        raise LauncherError(
            f"PostgreSQL runs as {account.name}, who may not enter {data.parent} any more: open "
            "the folders above it (chmod o+x), or set LEARNFLOW_STATE to begin anew elsewhere."
        )
    _check_mark(data, folder, password, account)


def _check_mark(data: Path, folder: Path, password: str, account: Account | None) -> None:
    facts = _read_mark(data)
    if facts is None:
        return
    if facts["key"] != _digest(password):
        raise LauncherError(
            f"The database in {data} has another password than this state folder keeps: they don't "
            "belong together. Put the old secrets.json back, or begin anew with `make clean`."
        )
    other = Path(facts["state"])
    if other != folder and data.parent == binaries.SHARED and locate(other) == data:
        raise LauncherError(
            f"The database in {data} belongs to {other.parent}, and {folder.parent} is a copy of "
            f"that: set LEARNFLOW_STATE to the original, or delete {folder.parent} to begin anew."
        )
    if other != folder:  # The state folder was moved.
        mark(data, folder=folder, password=password, owner=account)


def left_behind(folder: Path) -> list[Path]:
    """Data under /var/lib whose state folder lay at this path and was deleted, or moved away."""
    current = locate(folder)
    found = [path for path in binaries.SHARED.glob("state-*") if path.is_dir() and path != current]
    return sorted(path for path in found if _belonged_to(path, folder))


def remove(folder: Path) -> None:
    """Delete the data of the server with the state `folder`, which must not run."""
    data = locate(folder)
    for path in (data, unfinished_name(data), _made_by_earlier_version(folder)):
        if path is not None and path.exists():
            shutil.rmtree(path)


def _made_by_earlier_version(folder: Path) -> Path | None:
    """Data of this state folder that lies where earlier versions put it, named by the path alone.

    It is ours if this state folder, not one that lay there before, has finished preparing it.
    """
    earlier = _named_by_path(folder)
    ours = is_whole(earlier) and (folder.parent / "static.stamp").exists()
    return earlier if ours and not (folder / "data").exists() else None


def _belonged_to(data: Path, folder: Path) -> bool:
    if data == _named_by_path(folder):
        return True
    facts = _read_mark(data)
    return facts is not None and facts["state"] == str(folder)


def _read_mark(data: Path) -> dict[str, str] | None:
    try:
        return dict(json.loads((data / _MARK).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None


def _named_by_path(folder: Path) -> Path:
    identity = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:12]
    return binaries.SHARED / f"state-{identity}"


def _digest(password: str) -> str:
    """Tells one long random password from another, and nothing about either."""
    return hashlib.sha256(f"learnflow:{password}".encode()).hexdigest()
