"""The embedded PostgreSQL: its files, its command line, and whether it is ours that answers."""

import locale
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from devtools.launcher import binaries, child, datafolder
from devtools.launcher.accounts import Account, account_for_postgres
from devtools.launcher.durable import put_in_place, unfinished_name
from devtools.launcher.errors import LauncherError
from devtools.launcher.leftovers import MARK
from devtools.launcher.ports import LOOPBACK

_USER = "learnflow"
_DATABASE = "learnflow"

_SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "",
    "log_checkpoints": "off",
}
# For tests: half their time is waiting for the disk otherwise.
_NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True)
class Postgres:
    """A PostgreSQL server on loopback that keeps its data in `folder`.

    `password` is the one of its only user, a superuser. One that is not `durable` is faster and may
    lose its data when the machine stops.
    """

    folder: Path
    port: int
    password: str
    durable: bool = True

    stop_signal = signal.SIGINT  # PostgreSQL's "fast" shutdown: end sessions, write everything.

    @property
    def data(self) -> Path:
        """The data folder: in `folder`, or under /var/lib where root's closed folder hides it."""
        return datafolder.locate(self.folder)

    @cached_property
    def account(self) -> Account | None:
        """The user the server runs as; None means the caller's own."""
        return account_for_postgres(data=self.data)

    @cached_property
    def programs(self) -> Path:
        """The folder with `postgres` and `initdb`."""
        return binaries.programs_for(self.account)

    @property
    def url(self) -> str:
        """The `DATABASE_URL` of this server."""
        return self.url_of(_DATABASE)

    def url_of(self, database: str) -> str:
        """A libpq URL of `database` on this server."""
        password = quote(self.password, safe="")
        return f"postgres://{_USER}:{password}@{LOOPBACK}:{self.port}/{database}"

    def prepare(self) -> None:
        """Create the data folder on the first start, and clear what a killed server left.

        Raises LauncherError when there is one that this server can't work with.
        """
        data = datafolder.allot(self.folder)
        if datafolder.is_whole(data):
            datafolder.check(
                data,
                folder=self.folder,
                password=self.password,
                account=self.account,
                major=binaries.major_version(self.programs),
            )
        else:
            self._create_data(data)
        # The caller has ended any server of this folder. What is left names a dead process, whose
        # number another may have by now, and PostgreSQL would take that one for itself.
        (data / "postmaster.pid").unlink(missing_ok=True)

    def command(self) -> list[str]:
        """The command line that runs the server in the foreground, ending with its parent."""
        settings = _SETTINGS | {"port": str(self.port)} | (_NOT_DURABLE if not self.durable else {})
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        server = [str(self.programs / "postgres"), "-D", str(self.data), *options]
        return self._as_account(server)

    def answers(self) -> bool:
        """Whether this server (not another on its port) takes connections; makes its database."""
        try:
            with psycopg.connect(
                self.url_of("postgres"), autocommit=True, connect_timeout=2
            ) as connection:
                # In bytes: a path may be in any encoding.
                row = connection.execute("SELECT pg_read_binary_file('postmaster.pid')").fetchone()
                if row is None or not self._wrote(row[0]):
                    return False
                self._ensure_database(connection)
        except psycopg.OperationalError:
            return False
        return True

    def _wrote(self, pid_file: bytes) -> bool:
        """Whether the `postmaster.pid` of the server that answers is the one in our data folder."""
        try:
            ours = (self.data / "postmaster.pid").read_bytes()
        except OSError:
            return False
        # Its process, its folder and the moment it started; what follows may change.
        return ours.splitlines()[:3] == pid_file.splitlines()[:3]

    def _ensure_database(self, connection: psycopg.Connection) -> None:
        query = "SELECT 1 FROM pg_database WHERE datname = %s"
        if connection.execute(query, [_DATABASE]).fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(_DATABASE)))

    def _create_data(self, data: Path) -> None:
        """Make it beside its place and put it there when it is whole: a start may end anywhere."""
        unfinished = unfinished_name(data)
        for path in (unfinished, data):
            if path.exists():
                shutil.rmtree(path)
        unfinished.mkdir(mode=0o700)
        with tempfile.NamedTemporaryFile("w", suffix=".pw", encoding="ascii") as password_file:
            password_file.write(self.password)
            password_file.flush()
            if self.account is not None:
                os.chown(unfinished, self.account.uid, self.account.gid)
                os.chown(password_file.name, self.account.uid, self.account.gid)
            self._run_initdb(unfinished, Path(password_file.name))
        datafolder.mark(unfinished, folder=self.folder, password=self.password, owner=self.account)
        put_in_place(unfinished, data)

    def _run_initdb(self, data: Path, password_file: Path) -> None:
        command = [
            str(self.programs / "initdb"),
            f"--pgdata={data}",
            f"--username={_USER}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            f"--locale={_unicode_locale()}",
        ]
        if not self.durable:
            command.append("--no-sync")
        result = subprocess.run(
            self._as_account(command),
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            cwd="/",
            # So that the next start knows it, should it outlive this one.
            env=os.environ | {MARK: str(self.folder.parent)},
        )
        if result.returncode != 0:
            raise LauncherError(
                f"PostgreSQL could not make its data folder {data}:\n"
                f"{(result.stdout + result.stderr).strip()}"
            )

    def _as_account(self, command: list[str]) -> list[str]:
        user = [f"--user={self.account.uid}:{self.account.gid}"] if self.account else []
        wrapper = [sys.executable, child.__file__, *user, f"--signal={self.stop_signal.name}"]
        return [*wrapper, "--", *command]


def _unicode_locale() -> str:
    """A UTF-8 locale this machine knows: full-text search takes letters from it."""
    before = locale.setlocale(locale.LC_CTYPE)
    for name in ("C.UTF-8", "en_US.UTF-8"):
        try:
            locale.setlocale(locale.LC_CTYPE, name)
        except locale.Error:
            continue
        locale.setlocale(locale.LC_CTYPE, before)
        return name
    return "C"
