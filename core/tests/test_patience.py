"""PostgreSQL taking everything and never answering: what a web process makes of it."""

import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import OperationalError, connection, connections, transaction

from core import health, process
from core.postgresql import patience
from core.postgresql.patience import breaker, in_a_hurry
from core.waits import slow_waits
from tests.flows.wire import Wire
from tests.parallel import run_in_parallel

pytestmark = pytest.mark.django_db(transaction=True)

THREADS = 8
# What everything has that must succeed, and when at the latest something is given up that had a
# second or two: far apart, so that a busy machine doesn't blur them.
PATIENT, IN_TIME = 300, 60.0


@pytest.fixture(autouse=True)
def _web(settings: Any) -> Iterator[None]:
    """This process is a web process that waits for as long as a busy machine needs. Who measures
    how long is waited says so, once there are connections."""
    settings.DATABASE_STATEMENT_SECONDS, settings.SLOW_WAITS = PATIENT, THREADS - 2
    settings.DATABASE_PAUSE_SECONDS = 0.0
    before = process.role()
    process.become("web")
    yield
    process.become(before)
    breaker.reset()
    assert slow_waits.count == 0


@pytest.fixture
def wire() -> Iterator[Wire]:
    with Wire.to(int(connection.settings_dict["PORT"])) as wire:
        yield wire


@pytest.fixture
def connect(wire: Wire) -> Iterator[Callable[[], Any]]:
    made = []

    def make() -> Any:
        other = connections.create_connection("default")
        other.settings_dict = {**other.settings_dict, "HOST": "127.0.0.1", "PORT": str(wire.port)}
        options = other.settings_dict["OPTIONS"]
        other.settings_dict["OPTIONS"] = {**options, "connect_timeout": PATIENT}
        other.inc_thread_sharing()
        made.append(other)
        return other

    yield make
    for other in made:
        other.close()


@pytest.fixture
def name_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Knows where `database.test` is, and says so when told to."""
    answers, resolve = threading.Event(), socket.getaddrinfo

    def look_up(host: Any, *rest: Any, **options: Any) -> Any:
        if host == "database.test":
            answers.wait(PATIENT)
            host = "127.0.0.1"
        return resolve(host, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    yield answers
    answers.set()


def give_connecting(seconds: int, database: Any) -> Any:
    database.settings_dict["OPTIONS"]["connect_timeout"] = seconds
    return database


def named(database: Any) -> Any:
    database.settings_dict["HOST"] = "database.test"
    return database


def ask(database: Any, query: str = "SELECT 1") -> tuple[float, str]:
    """Return how long the answer took, and what went wrong, "" for nothing."""
    begun = time.monotonic()
    try:
        with database.cursor() as cursor:
            cursor.execute(query)
            cursor.fetchall()
    except OperationalError as exc:
        return time.monotonic() - begun, str(exc)
    return time.monotonic() - begun, ""


def test_an_open_connection_that_falls_silent_is_given_up(
    wire: Wire, connect: Callable[[], Any], settings: Any
) -> None:
    database = connect()
    assert ask(database)[1] == ""
    wire.silence()
    settings.DATABASE_STATEMENT_SECONDS = 1.0
    seconds, problem = ask(database)
    assert "doesn't answer, within 3 s" in problem
    assert 2.5 < seconds < IN_TIME
    wire.restore()
    settings.DATABASE_STATEMENT_SECONDS = PATIENT
    assert database.connection.closed
    database.close_if_unusable_or_obsolete()
    assert ask(database)[1] == ""


@pytest.mark.parametrize("opened", [True, False])
def test_a_look_at_its_health_takes_two_seconds_and_says_nothing_to_others(
    wire: Wire, connect: Callable[[], Any], settings: Any, opened: bool
) -> None:
    settings.DATABASE_PAUSE_SECONDS = 600.0
    database = connect()
    if opened:
        assert ask(database)[1] == ""
    wire.silence()
    begun = time.monotonic()
    with in_a_hurry(2.0):
        _, problem = ask(database)
    assert "doesn't answer, within" in problem
    assert 1.9 < time.monotonic() - begun < IN_TIME
    assert not breaker.is_open


def test_readiness_and_metrics_give_up_a_silent_database_in_time(
    wire: Wire, connect: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    database = connect()
    assert ask(database)[1] == ""
    monkeypatch.setattr(health, "connections", {"default": database})
    wire.silence()
    begun = time.monotonic()
    assert not health.check_readiness().needed["database"]
    with pytest.raises(OperationalError):
        health.database_answers()
    assert time.monotonic() - begun < IN_TIME


def test_within_a_transaction_too(wire: Wire, connect: Callable[[], Any], settings: Any) -> None:
    database = connect()
    connections["wired"] = database
    try:
        begun = time.monotonic()
        with pytest.raises(OperationalError):
            _fall_silent_in_a_transaction(database, wire, settings)
        assert time.monotonic() - begun < IN_TIME
        wire.restore()
        settings.DATABASE_STATEMENT_SECONDS = PATIENT
        assert ask(give_connecting(PATIENT, database))[1] == ""
    finally:
        del connections["wired"]


def _fall_silent_in_a_transaction(database: Any, wire: Wire, settings: Any) -> None:
    with transaction.atomic(using="wired"):
        assert ask(database)[1] == ""
        wire.silence()
        settings.DATABASE_STATEMENT_SECONDS = 1.0
        # Django connects once more, to leave the transaction.
        give_connecting(2, database)
        with database.cursor() as cursor:
            cursor.execute("SELECT 1")


def test_a_connection_that_is_taken_and_never_served_is_given_up(
    wire: Wire, connect: Callable[[], Any]
) -> None:
    wire.silence()
    seconds, problem = ask(give_connecting(2, connect()))
    assert "timeout expired" in problem
    assert 1.5 < seconds < IN_TIME


@pytest.mark.parametrize("opened", [True, False])
def test_of_many_that_hang_two_threads_are_free_while_the_others_wait(
    wire: Wire, connect: Callable[[], Any], opened: bool
) -> None:
    databases = [connect() for _ in range(THREADS)]
    for database in databases:
        if opened:
            assert ask(database)[1] == ""
    wire.silence()
    ended: list[str] = []

    def ask_for(number: int) -> None:
        problem = ask(databases[number])[1]
        is_refused = "as many requests as may wait" in problem
        ended.append("refused" if is_refused else "waited" if problem else "fine")
        if ended.count("refused") == 2:
            wire.cut()

    assert run_in_parallel(THREADS, ask_for) == [None] * THREADS
    assert ended == ["refused"] * 2 + ["waited"] * (THREADS - 2)


def test_a_name_server_that_hangs_is_given_up_and_nobody_waits_for_it_again(
    name_server: threading.Event, connect: Callable[[], Any], settings: Any
) -> None:
    settings.DATABASE_PAUSE_SECONDS = 600.0
    database = give_connecting(2, named(connect()))
    seconds, problem = ask(database)
    assert "its name isn't resolved" in problem
    assert 1.5 < seconds < IN_TIME
    assert "left alone" in ask(named(connect()))[1]
    name_server.set()
    breaker._next_try_at = time.monotonic()
    give_connecting(PATIENT, database)
    assert ask(database)[1] == ""
    assert database.connection.info.host == "database.test"
    assert not breaker.is_open


def test_of_many_that_wait_for_its_name_two_threads_are_free(
    name_server: threading.Event, connect: Callable[[], Any]
) -> None:
    databases = [named(connect()) for _ in range(THREADS)]
    ended: list[int] = []
    before = threading.active_count()
    counts = []

    def ask_for(number: int) -> str:
        problem = ask(databases[number])[1]
        counts.append(threading.active_count())
        if "as many requests as may wait" not in problem:
            return problem
        ended.append(number)
        if len(ended) == 2:
            name_server.set()
        return "refused"

    problems = Counter(run_in_parallel(THREADS, ask_for))
    assert problems == {"refused": 2, "": THREADS - 2}
    assert max(counts) <= before + THREADS + 1, "one thread asks for all"


def test_a_name_of_nobody_is_told_at_once(
    connect: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise socket.gaierror("Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert "failed to resolve host" in ask(named(connect()))[1]
    assert not breaker.is_open


def test_after_a_silence_nobody_waits_and_one_tries(
    wire: Wire, connect: Callable[[], Any], settings: Any
) -> None:
    first, second = connect(), connect()
    assert ask(first)[1] == ask(second)[1] == ""
    settings.DATABASE_STATEMENT_SECONDS, settings.DATABASE_PAUSE_SECONDS = 1.0, 600.0
    wire.silence()
    assert ask(first)[0] > 2
    settings.DATABASE_STATEMENT_SECONDS = PATIENT
    for database in (second, connect()):
        # Said by who didn't ask at all.
        assert "left alone" in ask(database)[1]
    wire.restore()
    breaker._next_try_at = time.monotonic()
    assert ask(connect())[1] == ""
    assert not breaker.is_open


def test_a_slow_statement_beside_others_that_are_answered_opens_nothing(
    connect: Callable[[], Any], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server says itself that a statement takes too long, and is there for everybody else."""
    settings.DATABASE_STATEMENT_SECONDS = 1.0
    # It says so in time, and a busy machine passes it on later.
    monkeypatch.setattr(patience, "_GRACE_SECONDS", PATIENT)
    seconds, problem = ask(connect(), f"SELECT pg_sleep({PATIENT})")
    assert "statement timeout" in problem
    assert seconds < IN_TIME
    assert not breaker.is_open


def test_a_lock_is_waited_for_as_long_as_is_set(connect: Callable[[], Any], settings: Any) -> None:
    settings.DATABASE_LOCK_SECONDS = 0.5
    holder, other = connect(), connect()
    with holder.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(77)")
        assert "lock timeout" in ask(other, "SELECT pg_advisory_lock(77)")[1]


def test_a_command_waits_as_long_as_it_takes(connect: Callable[[], Any], settings: Any) -> None:
    settings.DATABASE_STATEMENT_SECONDS = 1.0
    process.become("command")
    database = connect()
    assert ask(database)[1] == ""
    assert ask(database, "SHOW statement_timeout")[1] == ""
    with database.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)
    assert ask(database, "SELECT pg_sleep(1.5)")[1] == ""


def test_the_line_is_watched_by_the_system(connect: Callable[[], Any]) -> None:
    database = connect()
    ask(database)
    given = database.connection.info.get_parameters()
    assert (given["tcp_user_timeout"], given["keepalives_idle"]) == ("15000", "10")
