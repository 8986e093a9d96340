"""What moves on our balance at Stripe by itself: kept once, booked once, compared as a whole."""

import datetime as dt
import re
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Literal

import pytest
import time_machine
from django.conf import settings as configured
from django.db import DatabaseError, connection, transaction
from django.db.models import Sum
from django.test import Client
from django.utils import timezone

from devtools.stripe_standin.client import StandIn
from orders.models import Order
from payments import books, services, stripe_gateway
from payments.books.balance_movements import _KIND, BALANCE_MOVEMENTS
from payments.books.ledger import LEDGER
from payments.books.movements import MOVEMENTS
from payments.errors import PaymentsUnavailable
from payments.models import (
    BalanceMovement,
    LedgerEntry,
    LedgerTransaction,
    Payment,
    ReconciliationDifference,
    ReconciliationRun,
    StripeCursor,
)
from payments.services import balance_reading, balance_types, matching_balance, reading_on
from payments.stripe_facts import MovementFacts
from payments.tests.conftest import Pay, start_payment
from tests.emptying import unguarded
from tests.parallel import at_once

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _the_books_hold() -> Iterator[None]:
    yield
    assert books.verify(invariants=(*BALANCE_MOVEMENTS, *MOVEMENTS, *LEDGER)) == []


@pytest.fixture
def paid(order: Order, pay: Pay, standin: StandIn) -> Order:
    """Paid at Stripe and settled here, whose fee is known."""
    intent = start_payment(order)
    pay(intent)
    charge = stripe_gateway.retrieve_intent(intent_id=intent.payment_intent_id).charge_id
    standin.book_charge(charge)
    services.poll_events()
    services.handle_due_events()
    return order


def accounts(currency: str = "usd") -> dict[str, Decimal]:
    """What each account has by movements of the balance."""
    rows = LedgerEntry.objects.filter(
        transaction__balance_movement__isnull=False, transaction__currency=currency
    )
    sums = rows.order_by().values_list("account").annotate(total=Sum("amount"))
    return {account: total for account, total in sums if total}


def compare() -> ReconciliationRun:
    """A comparison to its end."""
    since = timezone.now() - dt.timedelta(days=3)
    return services.compare_now(since=since, on_progress=lambda run: None)


def shown() -> list[tuple[str, str, str, str]]:
    """What the comparison has found and is open."""
    rows = ReconciliationDifference.objects.filter(resolved_at=None).order_by("object_id")
    return list(rows.values_list("kind", "object_type", "ours", "theirs"))


@pytest.mark.parametrize(
    ("kind", "amount", "booked"),
    [
        ("topup", 5000, {"stripe": "50.00", "bank": "-50.00"}),
        ("topup_reversal", -5000, {"stripe": "-50.00", "bank": "50.00"}),
        ("stripe_fee", -70, {"stripe": "-0.70", "stripe_fees": "0.70"}),
        ("stripe_fee", 70, {"stripe": "0.70", "stripe_fees": "-0.70"}),
        ("network_cost", -7, {"stripe": "-0.07", "stripe_fees": "0.07"}),
        ("reserved_funds", -900, {"stripe": "-9.00", "reserved": "9.00"}),
        ("adjustment", 333, {"stripe": "3.33", "adjustments": "-3.33"}),
        ("contribution", -100, {"stripe": "-1.00", "adjustments": "1.00"}),
    ],
)
def test_each_type_is_booked_as_what_it_is(
    standin: StandIn, kind: str, amount: int, booked: dict[str, str]
) -> None:
    moved = standin.move_balance(kind, amount, description="Why")
    assert services.read_balance() == 1
    assert accounts() == {name: Decimal(value) for name, value in booked.items()}
    row = BalanceMovement.objects.get()
    assert (row.stripe_id, row.type, row.description) == (moved["id"], kind, "Why")


def test_a_payout_to_our_bank_and_back(standin: StandIn) -> None:
    payout = standin.pay_out(10000, fee=150)
    services.read_balance()
    assert accounts() == {
        "stripe": Decimal("-101.50"), "bank": Decimal(100), "stripe_fees": Decimal("1.50"),
    }  # fmt: skip
    standin.fail_payout(payout["id"])
    services.read_balance()
    assert accounts() == {"stripe": Decimal("-1.50"), "stripe_fees": Decimal("1.50")}
    assert set(BalanceMovement.objects.values_list("source", flat=True)) == {payout["id"]}


def test_what_is_booked_by_its_cause_is_not_booked_again(paid: Order, standin: StandIn) -> None:
    paid.refresh_from_db()
    standin.close_dispute(standin.open_dispute(payment_intent=paid.payment_id)["id"], "won")
    assert services.read_balance() == 0
    assert not BalanceMovement.objects.exists()


def test_it_is_booked_once_however_often_and_by_how_many_it_is_read(standin: StandIn) -> None:
    standin.pay_out(10000)
    assert sum(at_once(*[services.read_balance] * 4)) == 1
    assert services.read_balance() == 0
    assert LedgerTransaction.objects.get().kind == "bank_payout"


def test_a_killed_reader_leaves_both_or_neither(
    standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    standin.pay_out(10000)
    real = balance_reading.post_balance_movement

    def killed(**given: Any) -> bool:
        real(**given)
        raise SystemExit

    monkeypatch.setattr(balance_reading, "post_balance_movement", killed)
    with pytest.raises(SystemExit):
        services.read_balance()
    assert not BalanceMovement.objects.exists()
    assert not LedgerTransaction.objects.exists()
    monkeypatch.undo()
    assert services.read_balance() == 1


def test_it_is_read_on_by_pages(standin: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("payments.stripe_gateway.PAGE_SIZE", 2)
    begin = timezone.now() - dt.timedelta(hours=3)
    StripeCursor.objects.create(name=balance_reading.CURSOR, read_until=begin)
    for amount in range(1, 6):
        standin.move_balance("stripe_fee", -amount)
    # As if the last of them had happened long before the others.
    monkeypatch.setattr(reading_on, "OVERLAP", dt.timedelta(minutes=-1))
    monkeypatch.setattr(reading_on, "BUDGET_SECONDS", 0.0)
    assert services.read_balance() == 2, "the newest at once"
    assert not balance_reading.go_on_reading()
    assert balance_reading.go_on_reading()
    assert accounts()["stripe_fees"] == Decimal("0.15")


def test_while_stripe_is_away_the_cursor_stays(standin: StandIn) -> None:
    standin.pay_out(10000)
    standin.fault("refuse", "balance_transactions.list", status=503)
    with pytest.raises(PaymentsUnavailable):
        services.read_balance()
    assert not StripeCursor.objects.exists()
    assert services.read_balance() == 1


def test_money_in_another_currency_is_kept_and_added_to_nothing(standin: StandIn) -> None:
    standin.move_balance("topup", 5000, currency="eur")
    standin.move_balance("topup", 5000, currency="jpy")
    assert services.read_balance() == 2
    assert not LedgerTransaction.objects.exists()
    assert set(BalanceMovement.objects.values_list("amount", "booked_as")) == {
        (Decimal(50), ""), (Decimal(5000), ""),
    }  # fmt: skip
    run = compare()
    assert run.balances["eur"] == {"here": "0.00", "there": "50.00"}
    assert shown() == []


def test_a_type_that_is_new_to_us_is_shown_until_it_is_booked(
    standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    standin.move_balance("advance", 5000)
    services.read_balance()
    compare()
    new = ("missing_here", "balance_transaction", "", "advance, 50.00 USD")
    assert new in shown()
    known = {**balance_types.BOOKED_AS, "advance": "adjustment"}
    monkeypatch.setattr(balance_types, "BOOKED_AS", known)
    monkeypatch.setattr(balance_reading, "KNOWN_TYPES", frozenset(known))
    compare()
    assert new not in shown()
    assert accounts()["adjustments"] == -50
    monkeypatch.undo()
    # For the books, which know no such type.
    with unguarded():
        BalanceMovement.objects.update(type="adjustment")


def test_what_moved_on_another_balance_is_none_of_ours() -> None:
    facts = MovementFacts(
        id="txn_1", type="stripe_fee", reporting_category="", amount=-5, fee=0, net=-5,
        currency="usd", created=timezone.now(), available_on=timezone.now(), description="",
        source="", balance_type="issuing",
    )  # fmt: skip
    assert balance_reading.keep_movements([facts]) == 0


def test_the_books_know_the_same_types() -> None:
    told = dict(re.findall(r"WHEN '(\w+)' THEN '(\w+)'", _KIND))
    assert told == balance_types.BOOKED_AS


def test_without_stripe_nothing_is_read(settings: Any) -> None:
    settings.STRIPE_SECRET_KEY = ""
    assert services.read_balance() == 0


# --- What the database refuses -------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    ["amount = amount + 1, net = net + 1", "booked_as = ''", "type = 'payout'", "currency = 'eur'"],
)
def test_what_stripe_said_is_not_changed(standin: StandIn, change: str) -> None:
    standin.move_balance("stripe_fee", -70)
    services.read_balance()
    for statement in (
        f"UPDATE payments_balancemovement SET {change}",
        "DELETE FROM payments_balancemovement",
    ):
        with (
            pytest.raises(DatabaseError, match="append-only"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)


def test_what_came_less_the_fee_is_what_the_balance_changed_by() -> None:
    now = timezone.now()
    with pytest.raises(DatabaseError, match="balance_movement_adds_up"):
        BalanceMovement.objects.create(
            stripe_id="txn_1", type="topup", amount=5, fee=1, net=5, currency="usd",
            happened_at=now, available_on=now,
        )  # fmt: skip


@pytest.mark.parametrize(
    "changed",
    [
        {"kind": "top_up"}, {"reference": "stripe_charge:1"}, {"balance_movement_id": None},
        {"kind": "adjustment", "reference": "adjustment:{id}", "balance_movement_id": None},
        {"kind": "sale", "reference": "sale:{id}"},
    ],
    ids=str,
)  # fmt: skip
def test_a_movement_needs_its_cause(standin: StandIn, changed: dict[str, Any]) -> None:
    standin.move_balance("advance", 1)
    services.read_balance()
    row = BalanceMovement.objects.get()
    facts: dict[str, Any] = {
        "kind": "stripe_charge", "reference": f"stripe_charge:{row.id}",
        "balance_movement_id": row.id, **changed,
    }  # fmt: skip
    facts["reference"] = facts["reference"].format(id=row.id)
    with pytest.raises(DatabaseError, match="ledger_has_its_cause"):
        LedgerTransaction.objects.create(currency="usd", occurred_at=timezone.now(), **facts)


# --- The comparison ------------------------------------------------------------------------------


def test_what_lies_at_stripe_is_what_the_ledger_says(paid: Order, standin: StandIn) -> None:
    standin.pay_out(5000)
    standin.move_balance("stripe_fee", -20)
    run = compare()
    assert shown() == []
    assert run.balances["usd"]["here"] == run.balances["usd"]["there"]
    assert Decimal(run.balances["usd"]["there"]) == Decimal("99.98") - Decimal("3.20") - Decimal(
        "50.20"
    )


def test_a_difference_is_shown_at_once_when_nothing_moves(paid: Order, standin: StandIn) -> None:
    """Of a sale that somebody else made by our account."""
    lie_about_the_balance(standin)
    with time_machine.travel(timezone.now() + matching_balance.IN_FLIGHT * 2):
        run = compare()
    assert [(kind, what) for kind, what, *_ in shown()] == [("amount", "balance")]
    assert Decimal(run.balances["usd"]["there"]) - Decimal(run.balances["usd"]["here"]) == 7


def lie_about_the_balance(standin: StandIn) -> None:
    """A charge comes to the balance that is none of ours."""
    standin.move_balance("charge", 700, source="ch_others")


def test_what_just_moved_is_waited_for_until_it_has_lasted_a_day(
    paid: Order, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    lie_about_the_balance(standin)
    compare()
    compare()
    assert shown() == [], "it came this moment"
    monkeypatch.setattr(matching_balance, "_is_more_than_moves", lambda difference: False)
    ReconciliationRun.objects.update(created_at=timezone.now() - dt.timedelta(hours=24))
    compare()
    assert [(kind, what) for kind, what, *_ in shown()] == [("amount", "balance")]
    standin.move_balance("charge", -700, source="ch_others")
    compare()
    assert shown() == []


def test_a_run_of_the_future_hides_no_difference_that_lasts(
    paid: Order, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Written by SQL, with a balance that agrees."""
    lie_about_the_balance(standin)
    compare()
    monkeypatch.setattr(matching_balance, "_is_more_than_moves", lambda difference: False)
    ReconciliationRun.objects.update(created_at=timezone.now() - dt.timedelta(hours=24))
    later = timezone.now() + dt.timedelta(days=9999)
    agreed = {"usd": {"here": "1.00", "there": "1.00"}}
    run = ReconciliationRun.objects.create(since=later, finished_at=later, balances=agreed)
    ReconciliationRun.objects.filter(id=run.id).update(created_at=later)
    compare()
    assert ("amount", "balance") in [(kind, what) for kind, what, *_ in shown()]


def test_a_payment_whose_fee_is_not_known_yet_is_no_difference(
    order: Order, pay: Pay, standin: StandIn
) -> None:
    pay(start_payment(order))
    services.poll_events()
    services.handle_due_events()
    with time_machine.travel(timezone.now() + matching_balance.IN_FLIGHT * 2):
        run = compare()
    assert run.balances["usd"] == {"here": "99.98", "there": "0.00"}
    assert shown() == []


# --- Bank debits ---------------------------------------------------------------------------------


def hear() -> None:
    """All news of Stripe's is handled."""
    services.poll_events()
    services.handle_due_events()


@pytest.fixture
def debit(order: Order, pay: Pay) -> services.PaymentIntent:
    """A debit over 99.98 that is under way for days, pending at Stripe less 3.20."""
    intent = start_payment(order)
    assert pay(intent, "pm_usBankAccount_processing")["status"] == "processing"
    hear()
    return intent


def compare_later(**later: float) -> ReconciliationRun:
    with time_machine.travel(timezone.now() + dt.timedelta(**later)):
        return compare()


def test_a_debit_under_way_is_no_difference_however_long(
    debit: services.PaymentIntent, standin: StandIn
) -> None:
    for later in (1, 21):
        run = compare_later(hours=later)
        assert run.balances["usd"] == {"here": "0.00", "there": "0.00", "under_way": "96.78"}
    assert shown() == []
    assert services.read_balance() == 0
    assert not LedgerTransaction.objects.exists()


def test_a_fault_beside_a_debit_is_shown_at_once(
    debit: services.PaymentIntent, standin: StandIn
) -> None:
    """Although it is smaller than what is under way."""
    lie_about_the_balance(standin)
    compare_later(minutes=31)
    assert shown() == [("amount", "balance", "0.00 USD", "7.00 USD")]


@pytest.mark.parametrize("charge", ["py_another", ""])
def test_a_debit_by_another_charge_than_ours_is_a_difference(
    debit: services.PaymentIntent, standin: StandIn, charge: str
) -> None:
    """Such as one of an order that a restored backup lacks."""
    Payment.objects.update(stripe_charge_id=charge)
    compare_later(minutes=31)
    assert ("amount", "balance", "0.00 USD", "96.78 USD") in shown()


def test_a_debit_that_stripe_does_not_know_keeps_nothing_from_being_compared(
    debit: services.PaymentIntent, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(**_: str) -> None:
        raise stripe_gateway.StripeNotFound

    monkeypatch.setattr(stripe_gateway, "retrieve_debit", unknown)
    compare_later(minutes=31)
    assert ("amount", "balance", "0.00 USD", "96.78 USD") in shown()


def test_of_a_debit_nothing_is_booked_before_it_succeeds(
    debit: services.PaymentIntent, standin: StandIn
) -> None:
    payment = Payment.objects.get()
    # Its charge changes meanwhile, as when somebody describes it.
    services.settle(intent=stripe_gateway.retrieve_intent(intent_id=payment.stripe_payment_id))
    services.book_missing()
    payment.refresh_from_db()
    assert (payment.status, payment.fee_amount) == ("pending", None)
    assert not LedgerTransaction.objects.exists()
    standin.settle_payment(debit.payment_intent_id, "succeeded")
    hear()
    kinds = LedgerTransaction.objects.order_by("kind").values_list("kind", flat=True)
    assert list(kinds) == ["sale", "stripe_fee"]
    run = compare_later(minutes=31)
    assert run.balances["usd"] == {"here": "96.78", "there": "96.78"}
    assert shown() == []


def test_a_debit_that_failed_leaves_nothing_and_the_next_payment_has_its_own_fee(
    debit: services.PaymentIntent, standin: StandIn, pay: Pay
) -> None:
    standin.settle_payment(debit.payment_intent_id, "failed")
    hear()
    assert services.read_balance() == 0
    assert not LedgerTransaction.objects.exists()
    run = compare_later(minutes=31)
    assert run.balances["usd"] == {"here": "0.00", "there": "0.00"}
    pay(debit)
    hear()
    assert Payment.objects.get().fee_amount is None, "the card's isn't known yet"
    standin.run_jobs()
    hear()
    run = compare_later(minutes=31)
    assert run.balances["usd"] == {"here": "96.78", "there": "96.78"}
    assert shown() == []


def test_a_failure_that_we_have_not_heard_of_is_no_difference(
    debit: services.PaymentIntent, standin: StandIn
) -> None:
    standin.settle_payment(debit.payment_intent_id, "failed")
    theirs = matching_balance._ask()
    assert theirs["usd"] == 0
    run = ReconciliationRun(position={})
    assert matching_balance._add_up_debits(run, time.monotonic() + 60)
    assert run.position["under_way"] == {}


@pytest.mark.parametrize("outcome", ["succeeded", "failed"])
def test_what_is_over_at_stripe_is_not_under_way_whatever_our_row_says(
    debit: services.PaymentIntent, standin: StandIn, outcome: Literal["succeeded", "failed"]
) -> None:
    standin.settle_payment(debit.payment_intent_id, outcome)
    hear()
    with unguarded(), connection.cursor() as cursor:
        for table in ("ledgerentry", "ledgertransaction", "saleline", "balance", "balancechange"):
            cursor.execute(f"DELETE FROM payments_{table}")
        Payment.objects.update(
            status="failed", stripe_status="processing", succeeded_at=None, fee_amount=None
        )
    run = compare_later(days=5)
    assert "under_way" not in run.balances["usd"]
    kept = [("amount", "balance", "0.00 USD", "96.78 USD")]
    assert [one for one in shown() if one[1] == "balance"] == (
        kept if outcome == "succeeded" else []
    )


def test_a_right_that_is_missing_is_told_and_keeps_nothing_else(standin: StandIn) -> None:
    standin.fault("refuse", "balance.retrieve", status=403)
    compare()
    assert [(kind, what) for kind, what, *_ in shown()] == [("status", "account")]


def test_staff_see_what_moved(standin: StandIn, admin_client: Client) -> None:
    standin.move_balance("stripe_fee", -70, description="Radar for Fraud Teams")
    services.read_balance()
    listed = admin_client.get("/admin/payments/balancemovement/").content.decode()
    assert "Radar for Fraud Teams" in listed
    row = BalanceMovement.objects.get()
    page = admin_client.get(f"/admin/payments/balancemovement/{row.id}/change/").content.decode()
    assert 'name="amount"' not in page


def test_it_is_read_often_enough() -> None:
    beat = configured.CELERY_BEAT_SCHEDULE["read-stripe-balance"]
    assert beat["schedule"] <= 600
