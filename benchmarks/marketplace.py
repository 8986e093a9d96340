"""The generated marketplace of a size: made once, kept, completed with what the streams need."""

import datetime as dt
import hashlib
import subprocess
import sys
import uuid
from collections.abc import Mapping

import jwt
import psycopg

from benchmarks import setup_sql
from benchmarks.servers import SIGNING_KEY
from benchmarks.stack import ROOT, Stack, make_database, read_comment, write_comment
from benchmarks.streams import Facts

ENROLLMENTS_PER_COURSE = 10
REVIEWS_PER_COURSE = 5
VIEWERS = 50
# With ten sections of ten lessons: more pages than a server answers while it may remember one.
DEEP_COURSES = 3_000
_WORDS = 300
_TOKEN_LIFE = dt.timedelta(hours=12)


class GeneratorError(Exception):
    """The data couldn't be made; the text is what the command said."""


def database_of(courses: int) -> str:
    """Return the name of the database for a size."""
    return f"learnflow_bench_{courses}"


def prepare_marketplace(
    stack: Stack, *, courses: int, environment: Mapping[str, str], fresh: bool
) -> None:
    """Make the database of this size, unless it is there and made by the same generator; bring it
    to today's schema. Raises GeneratorError."""
    database, wanted = database_of(courses), _fingerprint(courses)
    if fresh or read_comment(stack, database) != wanted:
        make_database(stack, database)
        _manage(environment, "migrate", "--verbosity", "0")
        _manage(
            environment, "generate_marketplace",
            "--courses", str(courses),
            "--enrollments", str(courses * ENROLLMENTS_PER_COURSE),
            "--reviews", str(courses * REVIEWS_PER_COURSE),
            "--deep-courses", str(min(DEEP_COURSES, courses // 2)),
        )  # fmt: skip
        _complete(environment["DATABASE_URL"])
        write_comment(stack, database, wanted)
    _manage(environment, "migrate", "--verbosity", "0")


def read_facts(url: str) -> Facts:
    """Return what the streams ask for; opens a session for each viewer."""
    with psycopg.connect(url, autocommit=True) as connection:
        return Facts(
            courses=_number(connection, setup_sql.COUNT_COURSES),
            categories=_column(connection, setup_sql.CATEGORIES),
            words=connection.execute(setup_sql.COMMON_WORDS, {"limit": _WORDS}).fetchall(),
            detailed_courses=_column(connection, setup_sql.DETAILED, limit=DEEP_COURSES),
            tokens=_open_sessions(connection),
        )


def _complete(url: str) -> None:
    """Give the viewers something in cart and wishlist; let PostgreSQL look at what it has."""
    with psycopg.connect(url, autocommit=True) as connection:
        with connection.transaction():
            for statement in setup_sql.COMPLETE:
                connection.execute(statement, {"viewers": VIEWERS})
        connection.execute("VACUUM ANALYZE")


def _open_sessions(connection: psycopg.Connection) -> list[str]:
    now = dt.datetime.now(dt.UTC)
    rows = connection.execute(
        setup_sql.OPEN_SESSIONS, {"viewers": VIEWERS, "expires_at": now + _TOKEN_LIFE}
    ).fetchall()
    return [_sign(user_id=user, session_id=session, now=now) for session, user in rows]


def _sign(*, user_id: uuid.UUID, session_id: uuid.UUID, now: dt.datetime) -> str:
    claims = {
        "token_type": "access",
        "user_id": str(user_id),
        "sid": str(session_id),
        "jti": uuid.uuid4().hex,
        "iat": now,
        "exp": now + _TOKEN_LIFE,
    }
    return jwt.encode(claims, SIGNING_KEY, algorithm="HS256")


def _manage(environment: Mapping[str, str], *arguments: str) -> None:
    given = {**environment, "DJANGO_SETTINGS_MODULE": "learnflow.settings.development"}
    command = [sys.executable, str(ROOT / "manage.py"), *arguments]
    finished = subprocess.run(command, cwd=ROOT, env=given, check=False)
    if finished.returncode != 0:
        raise GeneratorError(f"manage.py {' '.join(arguments)} failed")


def _fingerprint(courses: int) -> str:
    """What the data depends on: its size, the generator, and what is completed here. Nothing else,
    as a million courses take a quarter of an hour."""
    sizes = (courses, ENROLLMENTS_PER_COURSE, REVIEWS_PER_COURSE, VIEWERS, DEEP_COURSES)
    digest = hashlib.sha256(repr((sizes, setup_sql.COMPLETE)).encode())
    for path in sorted((ROOT / "api" / "generator").glob("*.*")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _number(connection: psycopg.Connection, query: str) -> int:
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def _column(connection: psycopg.Connection, query: str, **parameters: int) -> list[str]:
    return [str(row[0]) for row in connection.execute(query, parameters).fetchall()]
