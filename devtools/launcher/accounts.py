"""The account PostgreSQL runs under: it refuses root, so root lends it an unprivileged one."""

import os
import pwd
from dataclasses import dataclass
from pathlib import Path

from devtools.launcher.errors import LauncherError, name_of

_CANDIDATES = ("postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """An unprivileged system user."""

    name: str
    uid: int
    gid: int

    def may_read(self, path: Path) -> bool:
        """Whether this user may enter every folder above `path`, and `path` itself."""
        resolved = path.resolve()
        return all(self._may_enter(folder) for folder in (resolved, *resolved.parents))

    def _may_enter(self, folder: Path) -> bool:
        status = folder.stat()
        if status.st_uid == self.uid:
            return bool(status.st_mode & 0o100)
        if status.st_gid == self.gid:
            return bool(status.st_mode & 0o010)
        return bool(status.st_mode & 0o001)


def account_for_postgres(*, data: Path) -> Account | None:
    """The user to run PostgreSQL as, or None for an ordinary caller, who runs it as himself.

    An existing `data` folder keeps its owner. Raises LauncherError when the machine has no
    unprivileged user.
    """
    if os.geteuid() != 0:
        return None
    if data.exists() and (owner := data.stat().st_uid) != 0:
        return Account(name_of(owner), owner, data.stat().st_gid)
    for name in _CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise LauncherError(
        "PostgreSQL does not run as root, and this machine has no user postgres or nobody: start "
        "LearnFlow as an ordinary user."
    )
