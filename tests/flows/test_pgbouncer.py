"""The product behind PgBouncer in transaction mode: it works as configured, or doesn't start."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from django.db import connection

from tests.factories import make_course
from tests.flows.pgbouncer import PROGRAM, running_pgbouncer
from tests.flows.shopper import Shopper
from tests.flows.web import PATIENT, ROOT, environment_of, running_web
from tests.parallel import run_in_parallel

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.xdist_group("instance"),
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(PROGRAM is None, reason="PgBouncer isn't installed here (apt: pgbouncer)"),
]

# As docs/operations.md has it: PgBouncer passes none of it on, the role does.
LIMITS = {"lock_timeout": "10s", "statement_timeout": "80s",
          "idle_in_transaction_session_timeout": "60s"}  # fmt: skip


@pytest.fixture
def pooler() -> Iterator[int]:
    with running_pgbouncer() as port:
        yield port


def behind(port: int, folder: Path) -> dict[str, str]:
    """Return the variables of a process whose database is at this port."""
    given = {**os.environ, **environment_of(folder)}
    url = urlsplit(given["DATABASE_URL"])
    address = url._replace(netloc=f"{url.username}:{url.password}@127.0.0.1:{port}").geturl()
    return given | {"DATABASE_URL": address}


def test_a_shop_works_behind_it(pooler: int, tmp_path: Path) -> None:
    courses = [make_course(title=f"Weaving, part {number}") for number in range(5)]
    environment = {**behind(pooler, tmp_path), **PATIENT, "DATABASE_POOLED": "on"}
    # Nobody is refused because others wait, for one of the few connections, as long as a busy
    # machine takes.
    environment |= {"WEB_THREADS": "32", "SLOW_WAITS": "31"}
    with running_web(tmp_path, **environment) as url:
        statuses = run_in_parallel(12, lambda number: _shop(url, str(courses[number % 5].id)))
    assert statuses == [[200] * 12 + [201] * 2] * 12
    # More clients than connections, so that they were shared.
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM users_user WHERE email LIKE 'shopper-%%'")
        assert cursor.fetchone() == (12,)


def _shop(url: str, course_id: str) -> list[int]:
    with httpx.Client(base_url=url, trust_env=False, timeout=300) as web:
        shopper = Shopper.register(web)
        paths = ["courses/?ordering=newest", f"courses/{course_id}/", "search/?q=weaving",
                 "enrollments/", "cart/", "dashboard/stats/"]  # fmt: skip
        answers = [shopper.get(path) for _ in range(2) for path in paths]
        answers.append(shopper.post("cart/items/", {"course_id": course_id}))
        answers.append(shopper.post("orders/create-from-cart/", {"billing_address": ADDRESS}))
        return [answer.status for answer in answers]


ADDRESS = {
    "first_name": "Ada", "last_name": "Lovelace", "email": "ada@learnflow.test", "country": "GB",
    "address_line1": "12 St James's Square", "city": "London", "postal_code": "SW1Y 4LE",
}  # fmt: skip


def test_commands_work_behind_it(pooler: int, tmp_path: Path) -> None:
    environment = {**behind(pooler, tmp_path), "DATABASE_POOLED": "on"}
    for command in (["migrate", "--check"], ["check", "--database", "default"], ["verify_books"]):
        done = _manage(command, environment)
        assert done.returncode == 0, done.stderr


def _manage(command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *command], cwd=ROOT, env=environment, capture_output=True,
        text=True, check=False, timeout=600,
    )  # fmt: skip


@pytest.mark.parametrize(
    "options", [{}, {"ignore_startup_parameters": "options"}], ids=["refuses", "swallows"]
)
def test_undeclared_it_stops_the_start_and_says_why(options: Any, tmp_path: Path) -> None:
    with running_pgbouncer(**options) as port:
        environment = behind(port, tmp_path)
        with pytest.raises(AssertionError, match="DATABASE_POOLED=on"):
            running_web(tmp_path, **environment).__enter__()
        celery = [sys.executable, "-m", "celery", "--app", "learnflow", "worker", "--pool", "solo"]
        done = subprocess.run(
            celery, cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
            timeout=600,
        )  # fmt: skip
        assert done.returncode != 0
        assert "LearnFlow can't start, DATABASE_URL leads to a pooler" in done.stderr
        assert "Traceback" not in done.stderr
        for command in (["migrate", "--check"], ["verify_books"]):
            done = _manage(command, environment)
            assert done.returncode != 0
            assert done.stderr.count("\n") == 1
            assert "DATABASE_POOLED=on" in done.stderr


def test_the_limits_of_the_role_hold_behind_it(pooler: int, tmp_path: Path) -> None:
    role = connection.settings_dict["USER"]
    code = (
        "import django; django.setup(); from django.db import connection as c; k = c.cursor();"
        "k.execute(\"SELECT string_agg(setting, ' ' ORDER BY name) FROM pg_settings"
        " WHERE name IN ('lock_timeout', 'statement_timeout')\"); print(*k.fetchone())"
    )
    environment = {**behind(pooler, tmp_path), "DATABASE_POOLED": "on"}
    with connection.cursor() as cursor:
        for name, value in LIMITS.items():
            cursor.execute(f"ALTER ROLE {role} IN DATABASE {_database()} SET {name} = '{value}'")
        try:
            done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment,
                                  capture_output=True, text=True, check=False)  # fmt: skip
        finally:
            cursor.execute(f"ALTER ROLE {role} IN DATABASE {_database()} RESET ALL")
    assert done.stdout == "10000 80000\n", done.stderr


def _database() -> str:
    return connection.ops.quote_name(connection.settings_dict["NAME"])
