"""Runs tests of the version before, with its code, on a database that this tree's migrations made:
what its processes meet while a new version is being deployed."""

import io
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from devtools.upgrades.landed import HistoryMissingError, Landed, git

# Whatever writes rows: people, carts, orders, payments, learning, reviews.
SAMPLE = (
    "users/tests", "cart/tests", "orders/tests", "enrollments/tests", "reviews/tests",
    "core/tests/test_outbox.py", "payments/tests/test_settlement.py",
    "payments/tests/test_refund_api.py", "payments/tests/test_inbox.py",
)  # fmt: skip
# Of each a part, for the suite itself.
SHORT_SAMPLE = (
    "users/tests/test_register.py", "cart/tests/test_services.py", "orders/tests/test_checkout.py",
    "enrollments/tests/test_progress.py", "payments/tests/test_settlement.py",
)  # fmt: skip
_NAME = f"version_before_{os.getpid()}"
# pytest-django puts this before the name of the database it is given.
_TEST_NAME = f"test_{_NAME}"
_PLUGIN = "devtools.upgrades.on_newer_schema"
# Whatever limit that version gave a test: so much else may be under way.
_PATIENCE = ("-o", "timeout=1800")
# Plugins that came to the environment later, of which that version's configuration says nothing.
_NOT_ITS_OWN = ("-p", "no:randomly", "-p", "no:valkey")


def run_previous(
    root: Path, *, tests: Sequence[str] = (), revision: str | None = None, quiet: bool = False
) -> int:
    """Run the tests, by default SAMPLE, of the version before; returns pytest's exit status.

    Needs DATABASE_URL, of a server where it may make a database, and REDIS_URL. Raises
    HistoryMissingError when that version's code can't be had from git.
    """
    with (
        tempfile.TemporaryDirectory(prefix="learnflow-before-") as folder,
        _database(os.environ["DATABASE_URL"]),
    ):
        before = Path(folder)
        _unpack(root, revision or Landed.read(root).revision, before)
        _migrate(root)
        found = [test for test in tests or SAMPLE if (before / test.split("::")[0]).exists()]
        print(f"The version before, on the newest schema: {' '.join(found)}", flush=True)
        return subprocess.run(
            [sys.executable, "-m", "pytest", "--reuse-db", "-q", "-p", "no:cacheprovider",
             *_NOT_ITS_OWN, *_PATIENCE, "-p", _plugin_in(before), *found],
            cwd=before,
            env=_environment(_NAME) | {"PYTHONPATH": str(before)},
            check=False,
            capture_output=quiet,
        ).returncode  # fmt: skip


def _unpack(root: Path, revision: str, folder: Path) -> None:
    git(root, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    try:
        packed = subprocess.run(
            ["git", "-C", str(root), "archive", "--format=tar", revision],
            capture_output=True, check=True,
        )  # fmt: skip
    except subprocess.CalledProcessError as problem:
        raise HistoryMissingError(str(problem.stderr)) from problem
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        archive.extractall(folder, filter="data")


def _plugin_in(folder: Path) -> str:
    """Put the plugin where the version before, which may not have it, imports it from."""
    name = _PLUGIN.rsplit(".", 1)[1]
    (folder / f"{name}.py").write_text((Path(__file__).parent / f"{name}.py").read_text())
    return name


def _migrate(root: Path) -> None:
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--noinput", "--verbosity", "0"],
        cwd=root,
        env=_environment(_TEST_NAME),
        check=True,
    )


def _environment(database: str) -> dict[str, str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "COV_"))}
    return inherited | {
        "DATABASE_URL": _named(os.environ["DATABASE_URL"], database),
        "DJANGO_SETTINGS_MODULE": "learnflow.settings.testing",
        # A test worker of its own: keys in Redis are nobody else's.
        "PYTEST_XDIST_WORKER": f"before-{os.getpid()}",
    }


@contextmanager
def _database(url: str) -> Iterator[None]:
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(_TEST_NAME))
    create = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(_TEST_NAME))
    with psycopg.connect(_named(url, "postgres"), autocommit=True) as connection:
        connection.execute(drop)
        connection.execute(create)
        try:
            yield
        finally:
            connection.execute(drop)


def _named(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))
