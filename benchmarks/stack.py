"""PostgreSQL and Redis for a run: the embedded ones, or those named on the command line."""

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

ROOT = Path(__file__).resolve().parents[1]
_STOP_SECONDS = 30.0
_EXPORT = re.compile(r"export (\w+)=(.*)")
# Counts statements, and has room in memory for the whole of 100,000 courses.
_SETTINGS = {
    "shared_preload_libraries": "pg_stat_statements",
    "shared_buffers": "1GB",
    "max_wal_size": "4GB",
    "random_page_cost": "1.1",
}


@dataclass(frozen=True, kw_only=True)
class Stack:
    """Both servers' addresses; `database_url` names any database of the PostgreSQL."""

    database_url: str
    redis_url: str

    def url_of(self, database: str) -> str:
        """Return the address of a database of the same server."""
        return urlunsplit(urlsplit(self.database_url)._replace(path=f"/{database}"))


@contextmanager
def embedded_stack(state: Path) -> Iterator[Stack]:
    """Keep both servers running with their data in `state`, set up for measuring."""
    with _services(state) as stack:
        if not _change_settings(stack):
            yield stack
            return
    with _services(state) as stack:
        yield stack


def make_database(stack: Stack, database: str, *, template: str = "template1") -> None:
    """Make a database in the place of what had this name: empty, or as the template is."""
    with psycopg.connect(stack.database_url, autocommit=True) as connection:
        name = sql.Identifier(database)
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(name, sql.Identifier(template))
        )


def read_comment(stack: Stack, database: str) -> str | None:
    """Return the comment on a database, None without one or without the database."""
    query = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s"
    with psycopg.connect(stack.database_url, autocommit=True) as connection:
        row = connection.execute(query, [database]).fetchone()
    return None if row is None else row[0]


def write_comment(stack: Stack, database: str, text: str) -> None:
    """Leave a comment on a database."""
    query = sql.SQL("COMMENT ON DATABASE {} IS {}").format(
        sql.Identifier(database), sql.Literal(text)
    )
    with psycopg.connect(stack.database_url, autocommit=True) as connection:
        connection.execute(query)


@contextmanager
def _services(state: Path) -> Iterator[Stack]:
    command = [sys.executable, "-m", "devtools.launcher", "services", "--state", str(state)]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        if process.stdout is None:
            raise RuntimeError("The servers have no output.")
        given = _read_exports([process.stdout.readline(), process.stdout.readline()])
        yield Stack(database_url=given["DATABASE_URL"], redis_url=given["REDIS_URL"])
    finally:
        end(process)


def end(process: subprocess.Popen[Any]) -> None:
    """End a process that leads a group of its own: when it doesn't go, with all of the group."""
    process.terminate()
    try:
        process.wait(timeout=_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _read_exports(lines: list[str]) -> dict[str, str]:
    found = [match for line in lines if (match := _EXPORT.fullmatch(line.strip()))]
    exports = {match[1]: shlex.split(match[2])[0] for match in found}
    if exports.keys() < {"DATABASE_URL", "REDIS_URL"}:
        raise RuntimeError("The embedded PostgreSQL and Redis did not start.")
    return exports


def _change_settings(stack: Stack) -> bool:
    """Write what isn't set yet; True when the server has to be started again for it."""
    changed = False
    with psycopg.connect(stack.database_url, autocommit=True) as connection:
        for name, value in _SETTINGS.items():
            row = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
            if row is None or row[0] != value:
                connection.execute(
                    sql.SQL("ALTER SYSTEM SET {} = {}").format(
                        sql.Identifier(name), sql.Literal(value)
                    )
                )
                changed = True
    return changed
