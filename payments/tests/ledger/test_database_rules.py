"""What PostgreSQL refuses by itself, whoever writes."""

import uuid

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from payments.models import LedgerEntry, LedgerTransaction
from payments.tests.ledger.conftest import Sell

pytestmark = pytest.mark.django_db(transaction=True)


def write(*amounts: str, reference: str = "sale:1") -> None:
    """Insert a transaction and its entries by SQL alone."""
    with transaction.atomic(), connection.cursor() as cursor:
        identifier, now = uuid.uuid4(), timezone.now()
        cursor.execute(
            "INSERT INTO payments_ledgertransaction"
            " (id, created_at, updated_at, kind, reference, currency, occurred_at)"
            " VALUES (%s, %s, %s, 'sale', %s, 'usd', %s)",
            [identifier, now, now, reference, now],
        )
        for amount in amounts:
            cursor.execute(
                "INSERT INTO payments_ledgerentry"
                " (id, created_at, updated_at, account, amount, transaction_id)"
                " VALUES (%s, %s, %s, 'platform', %s, %s)",
                [uuid.uuid4(), now, now, amount, identifier],
            )


def run(statement: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_what_adds_up_is_taken() -> None:
    write("10.00", "-4.00", "-6.00")
    assert LedgerEntry.objects.count() == 3


def test_what_does_not_add_up_is_refused_at_the_commit() -> None:
    with pytest.raises(IntegrityError, match="out of balance by"):
        write("10.00", "-4.00", "-5.99")
    assert not LedgerTransaction.objects.exists()


def test_a_transaction_needs_entries() -> None:
    with pytest.raises(IntegrityError, match="has no entries"):
        write()


def test_an_entry_is_not_zero() -> None:
    with pytest.raises(IntegrityError, match="ledger_entry_not_zero"):
        write("0.00")


def test_a_cause_is_booked_once() -> None:
    write("1.00", "-1.00")
    with pytest.raises(IntegrityError, match="reference"):
        write("1.00", "-1.00")


@pytest.mark.parametrize("table", ["payments_ledgerentry", "payments_ledgertransaction"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET updated_at = now()", "DELETE FROM {}"])
def test_nothing_is_changed_or_deleted(sell: Sell, table: str, statement: str) -> None:
    sell("10.00")
    with pytest.raises(DatabaseError, match="append-only"):
        run(statement.format(table))
    assert LedgerEntry.objects.count() == 3


def test_a_later_entry_cannot_unbalance_an_old_transaction(sell: Sell) -> None:
    sell("10.00")
    old = LedgerTransaction.objects.get()
    with pytest.raises(IntegrityError, match="out of balance"):
        LedgerEntry.objects.create(transaction=old, account="platform", amount="1.00")


def test_only_an_instructors_entry_has_an_instructor_and_a_day(sell: Sell) -> None:
    sell("10.00")
    old = LedgerTransaction.objects.get()
    with pytest.raises(IntegrityError, match="ledger_entry_of_instructor"):
        LedgerEntry.objects.create(transaction=old, account="instructor", amount="1.00")
    with pytest.raises(IntegrityError, match="ledger_entry_of_instructor"):
        LedgerEntry.objects.create(
            transaction=old, account="tax", amount="1.00", available_at=timezone.now()
        )
