"""The embedded servers: they start, keep their data, and aren't mistaken for a stranger's."""

import signal
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
import redis

from devtools.launcher.accounts import Account
from devtools.launcher.leftovers import end_leftovers
from devtools.launcher.ports import choose_port
from devtools.launcher.postgres import Postgres
from devtools.launcher.redis import Redis
from devtools.launcher.tests.serving import serving


@pytest.fixture
def folder() -> Iterator[Path]:
    """A state folder that an unprivileged server of root's may enter, as pytest's own are not."""
    with tempfile.TemporaryDirectory(prefix="learnflow-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


def test_redis_keeps_each_change_when_it_is_killed(folder: Path) -> None:
    server = Redis(folder, choose_port(), "secret")
    with serving(server) as process, redis.Redis.from_url(server.url) as client:
        client.set("key", "value")
        process.send_signal(signal.SIGKILL)
        process.wait()
    with serving(server), redis.Redis.from_url(server.url) as client:
        assert client.get("key") == b"value"


def test_another_redis_on_the_port_is_not_taken_for_ours(folder: Path) -> None:
    server = Redis(folder / "ours", choose_port(), "secret", durable=False)
    with serving(server):
        assert not replace(server, password="other").answers()
        assert not replace(server, folder=folder / "theirs").answers()


def test_postgres_survives_a_kill_and_the_file_it_leaves(folder: Path) -> None:
    server = Postgres(folder, choose_port(), "secret")
    with serving(server) as process, psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION pg_trgm")
        connection.execute("CREATE EXTENSION unaccent")
        connection.execute("CREATE TABLE kept (id int)")
        assert not replace(server, password="other").answers()
        assert not replace(server, folder=folder / "theirs").answers()
        process.send_signal(signal.SIGKILL)
        process.wait()
    # Its other processes notice a moment later, and are in the way until they do.
    end_leftovers(folders=[server.data], mark=str(folder))
    assert (server.data / "postmaster.pid").exists()
    with serving(server), psycopg.connect(server.url) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)


def test_a_closed_folder_is_closed_to_another_account(tmp_path: Path) -> None:
    somebody = Account("somebody", uid=54321, gid=54321)
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)

    assert somebody.may_read(Path("/usr"))
    assert not somebody.may_read(closed)
