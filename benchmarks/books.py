"""How what comes again and again grows with history: every recurring job, the instructors' pages
and the admin's lists, at few orders and at many, with as much going on at the moment."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from statistics import median

import psycopg

from benchmarks import books_sql
from benchmarks.options import Options
from benchmarks.servers import ServerError, compose_environment, run_program
from benchmarks.stack import ROOT, Stack, make_database, read_comment, write_comment

TARGET = 1.5
# What takes less is all overhead, and its ratio chance.
LEAST_MS = 1.0
# Of each size, how many instructors there are, orders in the last two months, and orders that wait.
_INSTRUCTORS, _QUICK_INSTRUCTORS, _COURSES_EACH = 100, 4, 5
_LIVE = 5_000
_WAITING = 100
_BUYS_EACH = 5
# Turns of each job in a round.
_TIMES = 5


@dataclass(frozen=True, kw_only=True)
class JobResult:
    """How long a job took, in milliseconds, by the number of orders. The median of its times."""

    name: str
    ms: dict[int, float]

    @property
    def growth(self) -> float:
        """The time with the most orders over that with the fewest."""
        few, many = self.ms[min(self.ms)], self.ms[max(self.ms)]
        return max(many, LEAST_MS) / max(few, LEAST_MS)

    @property
    def holds(self) -> bool:
        """Whether it grows no more than it may."""
        return self.growth <= TARGET


def measure_books(options: Options, stack: Stack, *, say: Callable[[str], None]) -> list[JobResult]:
    """Return how each job grows over `options.orders`. Raises ServerError where what was made
    breaks an invariant of the books."""
    environments = {
        orders: _prepare(options, stack, orders, say) for orders in sorted(options.orders)
    }
    with ExitStack() as started:
        workers = {
            orders: started.enter_context(
                _Worker.start(environment, options.state / f"books-{orders}.log")
            )
            for orders, environment in environments.items()
        }
        (jobs, *_) = [worker.jobs for worker in workers.values()]
        return [_measure_job(name, workers=workers, times=options.rounds * _TIMES) for name in jobs]


def _measure_job(name: str, *, workers: Mapping[int, "_Worker"], times: int) -> JobResult:
    """In alternation: a machine that is busy for a while slows all sizes down."""
    took: dict[int, list[float]] = {orders: [] for orders in workers}
    for turn in range(times + 1):
        for orders, worker in workers.items():
            milliseconds = worker.do(name)
            if turn > 0:  # The first turn warms up.
                took[orders].append(milliseconds)
    return JobResult(name=name, ms={orders: median(seen) for orders, seen in took.items()})


@dataclass(frozen=True, kw_only=True)
class _Worker:
    """A process that does jobs in one marketplace."""

    process: "subprocess.Popen[str]"
    errors: Path
    jobs: list[str]

    @classmethod
    @contextmanager
    def start(cls, environment: Mapping[str, str], errors: Path) -> "Iterator[_Worker]":
        command = [sys.executable, "-m", "benchmarks.books_jobs"]
        with errors.open("w") as log:
            process = subprocess.Popen(
                command, cwd=ROOT, env=environment, text=True, stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=log,
            )  # fmt: skip
            try:
                yield cls(process=process, errors=errors, jobs=json.loads(_read(process, errors)))
            finally:
                process.terminate()
                process.wait(60)

    def do(self, name: str) -> float:
        """Return how many milliseconds the job took. Raises ServerError when it failed."""
        if self.process.stdin is None:
            raise ServerError("the worker hears nothing")
        self.process.stdin.write(f"{name}\n")
        self.process.stdin.flush()
        return float(json.loads(_read(self.process, self.errors)))


def _read(process: "subprocess.Popen[str]", errors: Path) -> str:
    line = process.stdout.readline() if process.stdout else ""
    if not line:
        process.wait(60)
        raise ServerError(errors.read_text()[-3000:])
    return line


def _prepare(
    options: Options, stack: Stack, orders: int, say: Callable[[str], None]
) -> dict[str, str]:
    """Make the marketplace of this size, unless it is there from the same statements."""
    database = f"learnflow_bench_books_{orders}"
    environment = _compose(options, stack, database)
    live = min(_LIVE, orders // 2)
    wanted = repr((orders, live, _fingerprint()))
    if options.fresh or read_comment(stack, database) != wanted:
        started = time.monotonic()
        make_database(stack, database, template=_prepare_shelf(options, stack))
        _write(environment["DATABASE_URL"], orders=orders, live=live)
        run_program(environment, "-m", "benchmarks.books_verified")
        say(f"{orders:,} orders made in {time.monotonic() - started:.0f} s")
        started = time.monotonic()
        run_program(environment, "manage.py", "verify_books")
        say(f"every invariant of the books holds, all asked in {time.monotonic() - started:.0f} s")
        write_comment(stack, database, wanted)
    run_program(environment, "manage.py", "migrate", "--verbosity", "0")
    return environment


def _prepare_shelf(options: Options, stack: Stack) -> str:
    """Return the database with the courses that are sold, the same in all sizes."""
    instructors = _QUICK_INSTRUCTORS if options.quick else _INSTRUCTORS
    database = f"learnflow_bench_shelf_{instructors}"
    environment = _compose(options, stack, database)
    wanted = repr((instructors, _COURSES_EACH))
    if options.fresh or read_comment(stack, database) != wanted:
        make_database(stack, database)
        run_program(environment, "manage.py", "migrate", "--verbosity", "0")
        run_program(
            environment, "-m", "benchmarks.books_people", str(instructors), str(_COURSES_EACH)
        )
        write_comment(stack, database, wanted)
    run_program(environment, "manage.py", "migrate", "--verbosity", "0")
    return database


def _compose(options: Options, stack: Stack, database: str) -> dict[str, str]:
    return {
        **compose_environment(
            database_url=stack.url_of(database), redis_url=stack.redis_url, state=options.state
        ),
        "DJANGO_SETTINGS_MODULE": "learnflow.settings.development",
    }


def _write(url: str, *, orders: int, live: int) -> None:
    """Everything past the triggers, as a bulk load is; the running balances follow by the same
    function as of what was there before they were kept."""
    given = {
        "orders": orders, "live": live, "buyers": -(-orders // _BUYS_EACH),
        "waiting": min(_WAITING, live // 10),
    }  # fmt: skip
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off")
        connection.execute("SET maintenance_work_mem = '512MB'")
        put_aside = connection.execute(books_sql.SECONDARY_INDEXES).fetchall()
        for drop, _ in put_aside:
            connection.execute(drop)
        _execute(connection, (books_sql.BUYERS, *books_sql.WORLD), given)
        for _, create in put_aside:
            connection.execute(create)
        connection.execute("ANALYZE")
        _execute(connection, (books_sql.CATCH_UP,), given)
        connection.execute(books_sql.FOLD)
        connection.execute(books_sql.STUDENTS)
        connection.execute(books_sql.SOLD)
        connection.execute(books_sql.REVIEWED)
        _execute(connection, books_sql.WAITING, given)
        connection.execute(books_sql.DONE)
        connection.execute("VACUUM ANALYZE")


def _execute(
    connection: psycopg.Connection, statements: Sequence[str], given: Mapping[str, int]
) -> None:
    with connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")
        # Nothing has statistics yet: the planner takes a million rows for a few.
        connection.execute("SET LOCAL enable_nestloop = off")
        for statement in statements:
            # Only those with parameters know `%`.
            connection.execute(statement, given if "%(" in statement or "%%" in statement else None)


def _fingerprint() -> str:
    sizes = repr((_INSTRUCTORS, _COURSES_EACH, _WAITING, _BUYS_EACH)).encode()
    makers = (ROOT / "benchmarks" / name for name in ("books_sql.py", "books_verified.py"))
    return sha256(b"".join(maker.read_bytes() for maker in makers) + sizes).hexdigest()
