"""The tax of credit notes is the ledger's, to the cent, however money goes back."""

from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import Sum

from core.money import ZERO
from orders.models import CreditNote
from payments import services
from payments.models import LedgerEntry, Payment
from payments.tests.money import assert_books_hold, buy_taxed, dispute_facts, hear
from tests.factories import StaffFactory

pytestmark = pytest.mark.django_db

# Prices and taxes of which most parts make no whole cents.
LINES = (("3.33", "0.63"), ("0.47", "0.09"), ("19.99", "3.80"))


@pytest.fixture
def taxed() -> Payment:
    """A paid order of three lines with 19 % tax."""
    return buy_taxed(LINES)


def credited() -> Decimal:
    notes = CreditNote.objects.filter(voided_at=None)
    total: Decimal | None = notes.aggregate(sum=Sum("tax_amount"))["sum"]
    return total or ZERO


def booked() -> Decimal:
    """What of the sale's tax isn't owed any more."""
    tax = LedgerEntry.objects.filter(account="tax").exclude(transaction__kind="sale")
    total: Decimal | None = tax.aggregate(sum=Sum("amount"))["sum"]
    return total or ZERO


def test_parts_of_no_line_have_the_ledgers_cents(taxed: Payment) -> None:
    for number, amount in enumerate(("0.77", "1.01", "13.37", "0.05", "6.66"), start=1):
        hear(taxed, "succeeded", amount=amount, number=number)
        assert credited() == booked()
    assert_books_hold()


def test_a_part_of_no_line_of_many_has_a_rounding_for_each() -> None:
    """0.73 of each line, of which 0.1166 is tax and 0.12 is booked."""
    many = buy_taxed([("10.00", "1.90")] * 10)
    for number, amount in enumerate(("7.30", "7.30", "3.70"), start=1):
        hear(many, "succeeded", amount=amount, number=number)
        assert credited() == booked()
        assert_books_hold()


def test_named_lines_after_a_part_of_none_have_them_too(taxed: Payment) -> None:
    hear(taxed, "succeeded", amount="1.00")
    for item in taxed.order.items.order_by("created_at")[:2]:
        left = item.price_at_purchase + item.tax_amount
        refund = services.refund_order(
            order_id=taxed.order_id, item_ids=[item.id], note="", actor_id=StaffFactory.create().id
        )
        hear(taxed, "succeeded", amount=str(left), number=int(item.tax_amount * 100),
             refund_id=refund.id)  # fmt: skip
        assert credited() == booked()
    assert_books_hold()


def test_what_fails_at_the_bank_and_a_lost_dispute_have_them_too(taxed: Payment) -> None:
    hear(taxed, "succeeded", amount="5.55")
    hear(taxed, "succeeded", "failed", amount="7.77", number=2)
    services.sync_dispute(facts=dispute_facts(taxed, "needs_response"))
    services.sync_dispute(facts=dispute_facts(taxed, "lost"))
    assert CreditNote.objects.filter(voided_at=None).count() == 2
    assert credited() == booked() != ZERO
    assert_books_hold()


def test_from_when_on_a_rule_holds_is_not_changed() -> None:
    of_it = "WHERE name = 'since:booked_tax'"
    for change in (
        f"UPDATE payments_bookmark SET until = now() {of_it}",
        f"DELETE FROM payments_bookmark {of_it}",
        "TRUNCATE payments_bookmark",
    ):
        with (
            pytest.raises(DatabaseError, match="is not changed"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(change)
