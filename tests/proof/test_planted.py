"""`verify_books` names every lie that is planted, and nothing where none is."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, transaction

from payments import books
from tests.proof.planted import BOOKS, LIES, SILENT
from tests.proof.planted_lie import Lie
from tests.proof.planted_world import PlantedWorld, count_fates, make_world

# One worker makes the world, once.
pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("planted")]


@pytest.fixture(scope="module")
def planted(django_db_setup: None, django_db_blocker: Any) -> Iterator[PlantedWorld]:
    """The honest world, in a transaction that is never committed."""
    with django_db_blocker.unblock(), transaction.atomic():
        world = make_world()
        with connection.cursor() as cursor:
            # What is deferred has to be over before a table can be altered.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        yield world
        transaction.set_rollback(True)


def is_named(lie: Lie, world: PlantedWorld) -> bool:
    """Plant the lie with triggers off, ask the invariant it should break, and take it back."""
    asked = tuple(one for one in books.INVARIANTS if one.name == lie.expects)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            for statement in lie.statements:
                cursor.execute(statement.format(**world.names()))
                assert cursor.rowcount != 0, f"{lie.name}: {statement} changes nothing"
            cursor.execute("SET LOCAL session_replication_role = origin")
        found = books.verify(invariants=asked)
        transaction.set_rollback(True)
    return bool(found and found[0].subject)


def test_an_honest_world_breaks_nothing(planted: PlantedWorld) -> None:
    assert books.verify() == []
    assert count_fates() == {
        "orders": {"pending", "completed", "failed", "refunded"},
        "lines": {"pending", "fulfilled", "refunded", "canceled"},
        "payments": {"succeeded"},
        "refunds": {"due", "succeeded", "failed"},
        "disputes": {"needs_response", "won", "lost"},
        "payouts": {"due", "paid", "failed"},
        "enrollments": {"active", "suspended", "revoked"},
    }


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.name)
def test_a_lie_is_named(planted: PlantedWorld, lie: Lie) -> None:
    assert is_named(lie, planted)


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
