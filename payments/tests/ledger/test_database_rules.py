"""What PostgreSQL refuses by itself, whoever writes."""

import datetime as dt
import importlib
import uuid
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from orders import selectors as order_selectors
from orders.models import OrderItem
from payments import ledger
from payments.ledger import payouts as payout_ledger
from payments.models import (
    LedgerEntry,
    LedgerTransaction,
    Payment,
    Payout,
    PayoutAccount,
    SaleLine,
)
from payments.models.touched import BookMark
from payments.tests.ledger.conftest import Sell, items_of
from tests.emptying import unguarded
from tests.factories import UserFactory
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)

FROZEN = (
    "payment", "order_item", "instructor", "instructor_amount", "platform_amount", "tax_amount",
    "buyer_amount", "available_at",
)  # fmt: skip


@pytest.fixture
def undue(sell: Sell) -> Payment:
    """A payment that nothing is booked of."""
    sold = sell("40.00")
    return Payment.objects.create(
        order=sold.order, stripe_payment_id="pi_undue", amount="10.00", currency="usd",
        status="succeeded", succeeded_at=timezone.now(), next_check_at=timezone.now(),
    )  # fmt: skip


def write(undue: Payment, *amounts: str, account: str = "buyers", **changed: Any) -> None:
    """Insert a movement and its entries by SQL alone: the first is Stripe's, the others' account
    is given. What else is given replaces the movement's columns."""
    with transaction.atomic(), connection.cursor() as cursor:
        identifier, now = uuid.uuid4(), timezone.now()
        row: dict[str, Any] = {
            "id": identifier, "created_at": now, "updated_at": now, "kind": "undue_payment",
            "reference": f"undue:{undue.id}", "currency": "usd", "occurred_at": now,
            "payment_id": undue.id, **changed,
        }  # fmt: skip
        cursor.execute(
            f"INSERT INTO payments_ledgertransaction ({', '.join(row)})"
            f" VALUES ({', '.join(['%s'] * len(row))})",
            [*row.values()],
        )
        for place, amount in enumerate(amounts):
            cursor.execute(
                "INSERT INTO payments_ledgerentry"
                " (id, created_at, updated_at, account, amount, transaction_id)"
                " VALUES (%s, %s, %s, %s, %s, %s)",
                [uuid.uuid4(), now, now, account if place else "stripe", amount, identifier],
            )


def run(statement: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_what_adds_up_is_taken(undue: Payment) -> None:
    write(undue, "10.00", "-4.00", "-6.00")
    assert LedgerEntry.objects.filter(transaction__payment=undue).count() == 3


def test_what_does_not_add_up_is_refused_at_the_commit(undue: Payment) -> None:
    with pytest.raises(IntegrityError, match="out of balance by"):
        write(undue, "10.00", "-4.00", "-5.99")
    assert not LedgerTransaction.objects.filter(payment=undue).exists()


def test_a_transaction_needs_entries(undue: Payment) -> None:
    with pytest.raises(IntegrityError, match="has no entries"):
        write(undue)


def test_an_entry_is_not_zero(undue: Payment) -> None:
    with pytest.raises(IntegrityError, match="ledger_entry_not_zero"):
        write(undue, "0.00")


def test_a_cause_is_booked_once(undue: Payment) -> None:
    write(undue, "10.00", "-10.00")
    with pytest.raises(IntegrityError, match="reference"):
        write(undue, "10.00", "-10.00")


@pytest.mark.parametrize(
    "changed",
    [
        {"kind": "sale"}, {"kind": "gift", "reference": "gift:1"}, {"payment_id": None},
        {"reference": "undue:1"}, {"kind": "stripe_fee"}, {"kind": "refund"},
        {"kind": "dispute"}, {"kind": "payout", "payment_id": None},
    ],
    ids=str,
)  # fmt: skip
def test_a_movement_needs_the_cause_of_its_kind(undue: Payment, changed: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError, match="ledger_has_its_cause"):
        write(undue, "10.00", "-10.00", **changed)


def test_a_closed_movement_takes_no_entries(undue: Payment) -> None:
    """Not even such as cancel out: they would say whose the money is anew."""
    write(undue, "10.00", "-10.00")
    closed = LedgerTransaction.objects.get(payment=undue)
    with pytest.raises(IntegrityError, match="is closed"):
        LedgerEntry.objects.bulk_create(
            LedgerEntry(transaction=closed, account="buyers", amount=amount)
            for amount in (Decimal(5), Decimal(-5))
        )


def test_a_movement_may_be_written_by_steps_of_one_transaction(undue: Payment) -> None:
    """Savepoints have numbers of their own in PostgreSQL, and are one transaction all the same."""
    with transaction.atomic():
        with transaction.atomic():
            row = LedgerTransaction.objects.create(
                kind="undue_payment", reference=f"undue:{undue.id}", currency="usd",
                occurred_at=timezone.now(), payment=undue,
            )  # fmt: skip
        for account, amount in (("stripe", "10.00"), ("buyers", "-10.00")):
            with transaction.atomic():
                LedgerEntry.objects.create(transaction=row, account=account, amount=amount)
    assert LedgerEntry.objects.filter(transaction=row).count() == 2


def book(
    payment: Payment, *sides: tuple[str, str], item: OrderItem | None, teacher: User | None
) -> None:
    """Book these sides (account, amount) of a payment, an instructor's as this teacher's."""
    with transaction.atomic():
        row = LedgerTransaction.objects.create(
            kind="undue_payment", reference=f"undue:{payment.id}", currency="usd",
            occurred_at=timezone.now(), payment=payment,
        )  # fmt: skip
        for account, amount in sides:
            is_teachers = account == "instructor"
            LedgerEntry.objects.create(
                transaction=row, account=account, amount=amount,
                order_item=None if account == "stripe" else item,
                instructor=teacher if is_teachers else None,
                available_at=timezone.now() if is_teachers else None,
            )  # fmt: skip


PAYABLE = timezone.now()
FORGED = (("instructor", "-5000.00"), ("platform", "5000.00"))


def test_an_instructor_gets_nothing_of_no_line(undue: Payment) -> None:
    (item,) = items_of(undue)
    with pytest.raises(IntegrityError, match="whose line or payout it is not"):
        book(undue, *FORGED, item=None, teacher=item.instructor)


def test_an_instructor_gets_nothing_of_anothers_line(undue: Payment) -> None:
    (item,) = items_of(undue)
    with pytest.raises(IntegrityError, match="whose line or payout it is not"):
        book(undue, *FORGED, item=item, teacher=UserFactory.create())


def test_a_line_holds_no_more_than_was_paid(undue: Payment) -> None:
    (item,) = items_of(undue)
    with pytest.raises(IntegrityError, match=r"would hold 40\.01 of the 40\.00"):
        book(undue, ("instructor", "-0.01"), ("stripe", "0.01"), item=item, teacher=item.instructor)


def test_a_line_holds_no_less_than_nothing(undue: Payment) -> None:
    (item,) = items_of(undue)
    with pytest.raises(IntegrityError, match=r"would hold -0\.01 of the 40\.00"):
        book(undue, ("tax", "40.01"), ("stripe", "-40.01"), item=item, teacher=None)


@transaction.atomic
def pay_out(teacher: User, amount: str) -> None:
    """Book a payout to the teacher, whatever they are owed."""
    account, _ = PayoutAccount.objects.get_or_create(instructor=teacher)
    now = timezone.now()
    payout = Payout.objects.create(
        account=account, amount=Decimal(amount), currency="usd", status="paid", paid_at=now,
        next_attempt_at=now, stripe_transfer_id=f"tr_{amount}",
    )  # fmt: skip
    payout_ledger.post_payout(payout=payout)


def test_a_payout_is_of_what_is_owed(sell: Sell, settings: Any) -> None:
    settings.EARNINGS_HOLD = dt.timedelta(0)
    (item,) = items_of(sell("40.00"))
    assert item.instructor is not None
    pay_out(item.instructor, "20.00")
    with pytest.raises(IntegrityError, match=r"pays 0\.01 more than is owed"):
        pay_out(item.instructor, "8.01")
    pay_out(item.instructor, "8.00")
    assert Payout.objects.count() == 2


@pytest.mark.parametrize(
    "table", ["payments_ledgerentry", "payments_ledgertransaction", "payments_saleline"]
)
def test_nothing_is_emptied_away(sell: Sell, table: str) -> None:
    sell("10.00")
    with pytest.raises(DatabaseError, match="append-only"):
        run(f"TRUNCATE {table} CASCADE")
    assert LedgerEntry.objects.count() == 3


@pytest.mark.parametrize(
    "table", ["payments_ledgerentry", "payments_ledgertransaction", "payments_saleline"]
)
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


def forget_what_was_agreed() -> None:
    """Take all out of the ledger, as if it had never been booked."""
    with unguarded(), connection.cursor() as cursor:
        for table in ("ledgerentry", "saleline", "ledgertransaction"):
            cursor.execute(f"DELETE FROM payments_{table}")


def sell_again(payment: Payment, *sides: tuple[str, str]) -> None:
    """Book the sale by these sides of its one line, as a version that agrees nothing would."""
    (item,) = items_of(payment)
    with transaction.atomic():
        row = LedgerTransaction.objects.create(
            kind="sale", reference=f"sale:{payment.id}", currency="usd",
            occurred_at=timezone.now(), payment=payment,
        )  # fmt: skip
        for account, amount in sides:
            is_teachers = account == "instructor"
            LedgerEntry.objects.create(
                transaction=row, account=account, amount=amount,
                order_item=None if account == "stripe" else item,
                instructor=item.instructor if is_teachers else None,
                available_at=PAYABLE if is_teachers else None,
            )  # fmt: skip


@transaction.atomic
def sell_otherwise(payment: Payment) -> None:
    """Agree on 28.00 for the instructor, and book 33.00."""
    agree(payment, earned="28.00", platform="12.00")
    sell_again(payment, ("stripe", "40.00"), ("instructor", "-33.00"), ("platform", "-7.00"))


def agree(payment: Payment, *, earned: str, platform: str, **changed: Any) -> None:
    """Write down what 70 % of the payment's one line come to; what is given replaces that."""
    (item,) = items_of(payment)
    agreed = {
        "instructor": item.instructor, "percent": 70, "instructor_amount": Decimal(earned),
        "platform_amount": Decimal(platform), "tax_amount": 0, "buyer_amount": 0,
        "available_at": timezone.now(),
    }  # fmt: skip
    SaleLine.objects.create(payment=payment, order_item=item, **agreed | changed)


def forget_the_mark() -> None:
    with unguarded():
        BookMark.objects.filter(name="since:sale_percent").delete()


def hold_from(*, days: int) -> None:
    """Let sales be held to a percentage so many days from now on."""
    forget_the_mark()
    BookMark.objects.create(
        name="since:sale_percent", until=timezone.now() + dt.timedelta(days=days), amount=0
    )


@pytest.mark.parametrize("days", [-1, None], ids=["since a day", "always"])
@pytest.mark.parametrize(
    "sides",
    [
        [("instructor", "-30.00"), ("platform", "-10.00")],
        [("instructor", "-40.00")],
        [("platform", "-40.00")],
        [("instructor", "-28.00"), ("platform", "-12.00")],
    ],
    ids=str,
)
def test_a_sale_by_no_percentage_is_refused(
    sell: Sell, sides: list[tuple[str, str]], days: int | None
) -> None:
    payment = sell("40.00")
    forget_what_was_agreed()
    if days:
        hold_from(days=days)
    with pytest.raises(IntegrityError, match="not what was agreed"):
        sell_again(payment, ("stripe", "40.00"), *sides)
    assert not SaleLine.objects.exists()


@transaction.atomic
def sell_by_no_percentage(payment: Payment) -> None:
    """Agree on a share and on no percentage, and book just that."""
    agree(payment, earned="30.00", platform="10.00", percent=None, available_at=PAYABLE)
    sell_again(payment, ("stripe", "40.00"), ("instructor", "-30.00"), ("platform", "-10.00"))


def test_nor_is_one_taken_whose_lines_say_none(sell: Sell) -> None:
    payment = sell("40.00")
    forget_what_was_agreed()
    with pytest.raises(IntegrityError, match="not what was agreed"):
        sell_by_no_percentage(payment)
    hold_from(days=1)
    sell_by_no_percentage(payment)
    assert SaleLine.objects.get().percent is None


def mark() -> dt.datetime:
    """From when on the migration lets the rule hold, with what there is."""
    migration = importlib.import_module("payments.migrations.0056_sales_say_their_percent")
    forget_the_mark()
    run(migration._MARK)
    until = BookMark.objects.get(name="since:sale_percent").until
    assert until is not None
    return until


def test_percentages_are_asked_for_from_a_day_after_lines_that_have_none(sell: Sell) -> None:
    sell("40.00", "0.00")
    assert mark().year == 1970
    with unguarded():
        SaleLine.objects.filter(platform_amount=0).update(percent=None)
    assert mark().year == 1970
    with unguarded():
        SaleLine.objects.update(percent=None)
    assert mark() > timezone.now() + dt.timedelta(hours=23)


def test_what_nobody_teaches_is_sold_by_none(sell: Sell) -> None:
    payment = sell("40.00")
    forget_what_was_agreed()
    with unguarded():
        OrderItem.objects.update(instructor=None)
    sell_again(payment, ("stripe", "40.00"), ("platform", "-40.00"))
    assert SaleLine.objects.get().percent is None


def test_nor_is_what_its_buyer_owned_though_it_cost_nothing(sell: Sell) -> None:
    payment = sell("40.00", "0.00", "5.00")
    forget_what_was_agreed()
    _, *owned = items_of(payment)
    with transaction.atomic():
        ledger.post_sales(
            sales=[
                ledger.Sale(
                    payment=payment,
                    lines=order_selectors.list_order_lines(order_id=payment.order_id),
                    owned_item_ids=[item.id for item in owned],
                )
            ]
        )
    lines = SaleLine.objects.order_by("order_item__created_at", "order_item_id")
    assert list(lines.values_list("percent", flat=True)) == [70, None, None]


def test_what_was_agreed_is_written_down_for_a_version_before(sell: Sell) -> None:
    payment = sell("40.00")
    forget_what_was_agreed()
    hold_from(days=1)
    sell_again(payment, ("stripe", "40.00"), ("instructor", "-30.00"), ("platform", "-10.00"))
    line = SaleLine.objects.get()
    (item,) = items_of(payment)
    assert (line.payment_id, line.order_item_id) == (payment.id, item.id)
    assert (line.instructor_id, line.percent) == (item.instructor_id, None)
    assert (str(line.instructor_amount), str(line.platform_amount)) == ("30.00", "10.00")
    assert line.available_at is not None


def test_a_sale_that_is_not_what_was_agreed_is_refused(sell: Sell) -> None:
    payment = sell("40.00")
    forget_what_was_agreed()
    with pytest.raises(IntegrityError, match="not what was agreed"):
        sell_otherwise(payment)


@pytest.mark.parametrize(
    ("rule", "changed"),
    [
        ("sale_line_share_of_percent", {"percent": 71}),
        ("sale_line_money_not_negative", {"tax_amount": -1}),
        ("sale_line_one_kind", {"buyer_amount": 1}),
        ("sale_line_of_instructor", {"instructor": None}),
        ("sale_line_of_instructor", {"available_at": None}),
        ("sale_line_of_instructor", {"instructor_amount": 0, "percent": 0}),
    ],
    ids=str,
)
def test_what_is_agreed_makes_sense(sell: Sell, rule: str, changed: dict[str, Any]) -> None:
    payment = sell("40.00")
    forget_what_was_agreed()
    with pytest.raises(IntegrityError, match=rule):
        agree(payment, earned="28.00", platform="12.00", **changed)


def test_sales_of_before_are_frozen_in_batches(sell: Sell, monkeypatch: pytest.MonkeyPatch) -> None:
    sold = [sell("40.00", "10.00", tax="1.90"), sell("20.00"), sell("0.01")]
    agreed = list(SaleLine.objects.order_by("order_item").values(*FROZEN))
    with unguarded(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM payments_saleline")
    migration = importlib.import_module("payments.migrations.0014_freeze_sales")
    monkeypatch.setattr(migration, "AT_ONCE", 2)
    for _ in range(2):
        migration.freeze_sales(apps, SimpleNamespace(connection=connection))
    assert list(SaleLine.objects.order_by("order_item").values(*FROZEN)) == agreed
    assert len(agreed) == sum(len(items_of(payment)) for payment in sold) == 4


def test_guards_asked_at_the_commit_find_their_rows_by_index() -> None:
    """Of tables that were empty when a plan was made, all that one transaction wrote would be gone
    through for each row of it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT proname, proconfig FROM pg_trigger"
            " JOIN pg_proc ON pg_proc.oid = tgfoid"
            " WHERE NOT tgisinternal AND tgdeferrable AND proname ~ '^payments'"
        )
        settings = dict(cursor.fetchall())
    assert len(settings) > 8
    off = {"enable_seqscan=off", "enable_hashjoin=off", "enable_mergejoin=off"}
    assert {name for name, said in settings.items() if not off <= set(said or [])} == set()
