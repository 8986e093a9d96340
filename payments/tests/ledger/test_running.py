"""Running balances are verified from where they were before, every one of them."""

import datetime as dt

import pytest
from django.db import connection

from payments import books
from payments.models import BalanceMark, BookMark, BookTouch, LedgerEntry
from payments.services import fold_balances
from payments.tests.ledger.conftest import Sell
from payments.tests.ledger.test_clocks import behind
from tests.emptying import unguarded

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written is settled at once."""
    monkeypatch.setattr("payments.books.running.SETTLED", dt.timedelta(0))


@pytest.fixture
def verified(sell: Sell, settings) -> None:
    """Two sales, of which one's earnings are held, folded in and verified; nothing is noted."""
    settings.EARNINGS_HOLD = dt.timedelta(0)
    with behind(hours=2):
        sell("40.00", "10.00", tax="1.90")
    settings.EARNINGS_HOLD = dt.timedelta(days=30)
    sell("30.00")
    fold_balances()
    assert verify() == []
    BookTouch.objects.all().delete()


def verify() -> list[str]:
    """The daily run's look at the balances: what it finds."""
    found: list[books.Violation] = []
    books.verify_balances(on_found=found.extend)
    return [one.invariant for one in found]


def tell(statement: str) -> None:
    with unguarded(), connection.cursor() as cursor:
        cursor.execute(statement)
        assert cursor.rowcount


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which invariants were asked of all entries."""
    names: list[str] = []
    ask = books.changes.ask

    def note(invariant: books.Invariant, **given: str) -> list[books.Violation]:
        names.append(invariant.name)
        return ask(invariant, **given)

    monkeypatch.setattr("payments.books.changes.ask", note)
    return names


@pytest.mark.parametrize(
    "lie",
    [
        "UPDATE payments_balance SET amount = amount - 5 WHERE account = 'tax'",
        "UPDATE payments_balance SET amount = amount - 5 WHERE id = (SELECT min(id) FROM"
        " payments_balance WHERE account = 'instructor')",
        "UPDATE payments_balance SET sent = sent + 1 WHERE account = 'instructor'",
        "DELETE FROM payments_balance WHERE account = 'platform'",
        "UPDATE payments_balancechange SET held_until = NULL WHERE held_until IS NOT NULL",
        "UPDATE payments_balancechange SET held_until = held_until + interval '1 day'"
        " WHERE held_until IS NOT NULL",
        "DELETE FROM payments_balancechange WHERE held_until IS NOT NULL",
    ],
)
def test_a_balance_that_is_changed_is_named_though_nothing_is_noted(
    verified: None, lie: str
) -> None:
    tell(lie)
    assert not BookTouch.objects.exists()
    assert set(verify()) == {"balances_are_the_ledgers"}
    assert set(verify()) == {"balances_are_the_ledgers"}, "again"


def test_entries_that_were_verified_are_not_read_again(
    verified: None, asked: list[str], sell: Sell
) -> None:
    """It costs what there is of balances and what came since: what is changed of entries of before
    is noted, and found by its notes."""
    sell("20.00")
    asked.clear()
    assert verify() == []
    tell("UPDATE payments_ledgerentry SET amount = amount - 5 WHERE account = 'tax'")
    assert verify() == []
    assert asked == []
    assert [one.invariant for one in books.verify()].count("balances_are_the_ledgers") == 1


def test_what_is_written_late_is_a_doubt_and_no_difference(
    verified: None, asked: list[str], sell: Sell
) -> None:
    """A transaction that took longer than marks wait, or ids that don't begin with the time."""
    sell("20.00")
    asked.clear()
    tell("UPDATE payments_ledgerentry SET id = ('00000000' || substr(id::text, 9))::uuid")
    assert verify() == []
    assert asked == ["balances_are_the_ledgers"]
    assert verify() == []
    assert asked == ["balances_are_the_ledgers"], "it was marked anew"


def test_without_its_mark_all_entries_are_asked(verified: None, asked: list[str]) -> None:
    BookMark.objects.filter(name="balances").delete()
    BalanceMark.objects.all().delete()
    asked.clear()
    assert verify() == []
    assert asked == ["balances_are_the_ledgers"]
    assert sum(BalanceMark.objects.values_list("entries", flat=True)) == LedgerEntry.objects.count()
