"""`verify_books` names every lie that is planted, and nothing where none is."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection, transaction

from payments import books
from tests.emptying import unguarded
from tests.proof.planted import BOOKS, LIES, SILENT
from tests.proof.planted_lie import Lie
from tests.proof.planted_world import PlantedWorld, count_fates, make_world

# One worker makes the world, once.
pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("planted")]


@pytest.fixture(scope="module")
def planted(django_db_setup: None, django_db_blocker: Any) -> Iterator[PlantedWorld]:
    """The honest world, in a transaction that is never committed, after all of it was verified.
    What is written to it is noted whatever triggers are off."""
    with django_db_blocker.unblock(), transaction.atomic():
        world = make_world()
        with connection.cursor() as cursor:
            # What is deferred has to be over before a table can be altered.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
            for table, trigger in list_noting_triggers():
                cursor.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {trigger}")
        assert verify_and_forget() == []
        yield world
        transaction.set_rollback(True)


def list_noting_triggers() -> list[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text, tgname FROM pg_trigger"
            " WHERE tgname LIKE 'books_note_%'"
        )
        return list(cursor.fetchall())


def verify_and_forget() -> list[books.Violation]:
    """Verify what was written to, as the nightly run does; returns what is broken."""
    found: list[books.Violation] = []
    books.verify_counts(on_found=found.extend)
    books.verify_balances(on_found=found.extend)
    while not books.verify_touched(up_to=books.last_note(), on_found=found.extend).is_last:
        pass
    return found


def find_among_changes() -> list[books.Violation]:
    return [violation for turn in books.verify_changed() for violation in turn.violations]


def find_in_all(lie: Lie) -> list[books.Violation]:
    return books.verify(
        invariants=tuple(one for one in books.INVARIANTS if one.name == lie.expects)
    )


def is_named(lie: Lie, world: PlantedWorld, find: Callable[[], list[books.Violation]]) -> bool:
    """Plant the lie with triggers off, find what it breaks, and take it back."""
    with transaction.atomic():
        with unguarded(), connection.cursor() as cursor:
            for statement in lie.statements:
                cursor.execute(statement.format(**world.names()))
                assert cursor.rowcount != 0, f"{lie.name}: {statement} changes nothing"
        found = [one for one in find() if one.invariant == lie.expects]
        transaction.set_rollback(True)
    return bool(found and found[0].subject)


def test_an_honest_world_breaks_nothing(planted: PlantedWorld) -> None:
    assert books.verify() == []
    assert count_fates() == {
        "orders": {"pending", "completed", "failed", "refunded"},
        "lines": {"pending", "fulfilled", "refunded", "canceled"},
        "payments": {"pending", "succeeded", "failed"},
        "intents": {"processing", "canceled", "succeeded"},
        "percents": {70, 80, None},
        "refunds": {"due", "pending", "succeeded", "failed", "canceled"},
        "disputes": {
            "warning_needs_response", "warning_closed", "needs_response", "appeal_under_review",
            "won", "lost",
        },
        "payouts": {"due", "paid", "failed"},
        "enrollments": {"active", "suspended", "revoked"},
        "sources": {"purchase", "free", "staff"},
    }  # fmt: skip


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.name)
def test_a_lie_is_named(planted: PlantedWorld, lie: Lie) -> None:
    assert is_named(lie, planted, lambda: find_in_all(lie))


# Each run asks these of the database as it is, whatever was written to.
WHOLE = {one.name for one in books.INVARIANTS if one.scope is books.Scope.WHOLE}


def test_what_only_the_full_check_finds_is_known() -> None:
    assert {
        "guards_are_in_force", "rules_hold_since_their_migration", "shares_are_remembered",
        "runs_are_of_the_past",
    } == WHOLE  # fmt: skip


def test_every_guard_of_the_books_is_known() -> None:
    """The list in the code is what the migrations left."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT 'trigger', tgrelid::regclass::text, tgname FROM pg_trigger
            WHERE NOT tgisinternal AND tgrelid::regclass::text = ANY(%(books)s)
            UNION SELECT 'check', conrelid::regclass::text, conname FROM pg_constraint
            WHERE contype = 'c' AND conrelid::regclass::text = ANY(%(books)s)
            UNION SELECT 'unique', indrelid::regclass::text, indexrelid::regclass::text
            FROM pg_index WHERE indisunique AND NOT indisprimary
              AND indrelid::regclass::text = ANY(%(books)s)
            """,
            {"books": list(BOOKS)},
        )
        assert sorted(cursor.fetchall()) == sorted(books.list_guards())


def test_each_guard_is_as_the_migrations_make_it() -> None:
    """After a new one: `manage.py list_guards > payments/books/definitions.txt`."""
    assert books.list_definitions() == sorted(books.read_definitions())


def test_each_guard_has_a_definition() -> None:
    assert set(books.list_guards()) <= {row[:3] for row in books.read_definitions()}


@pytest.mark.parametrize(
    "lie", [one for one in LIES if one.expects not in WHOLE], ids=lambda lie: lie.name
)
def test_a_lie_is_named_among_what_was_written_to(planted: PlantedWorld, lie: Lie) -> None:
    assert is_named(lie, planted, find_among_changes)


def test_what_was_not_written_to_is_not_looked_at(planted: PlantedWorld) -> None:
    assert find_among_changes() == []
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE orders_order SET refunded_amount = 0.01 WHERE status = 'completed'"
            )
            cursor.execute("DELETE FROM payments_booktouch")
        assert books.verify() != []
        assert find_among_changes() == []
        transaction.set_rollback(True)


def test_there_are_lies_of_every_invariant() -> None:
    names = [lie.name for lie in LIES]
    assert len(names) == len(set(names)) >= 60
    assert {lie.expects for lie in LIES} == {invariant.name for invariant in books.INVARIANTS}


def list_columns() -> list[tuple[str, str]]:
    """Every column of the books, with its table."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns"
            " WHERE table_schema = current_schema() AND table_name = ANY(%s)",
            [list(BOOKS)],
        )
        return list(cursor.fetchall())


def test_each_column_of_the_books_has_a_lie_or_a_reason(planted: PlantedWorld) -> None:
    rows = list_columns()
    assert {table for table, _ in rows} == set(BOOKS)
    told = set().union(*(lie.columns for lie in LIES))
    silent = {(table, name) for table, name in rows if {f"*.{name}", f"{table}.{name}"} & {*SILENT}}
    assert {f"{table}.{name}" for table, name in {*rows} - silent} - told == set()


def test_no_column_with_a_reason_is_gone(planted: PlantedWorld) -> None:
    rows = list_columns()
    there = {f"{table}.{name}" for table, name in rows} | {f"*.{name}" for _, name in rows}
    assert set(SILENT) <= there
