"""Refunds and disputes in the books: each takes once, and what it took comes back whole."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.money import ZERO, from_minor
from orders.models import OrderItem
from payments import ledger
from payments.models import Dispute, LedgerEntry, LedgerTransaction, Payment, Refund
from payments.tests.ledger.conftest import (
    Sell,
    add_dispute,
    add_refund,
    balance,
    held,
    items_of,
    loss,
)

pytestmark = pytest.mark.django_db


def fail(refund: Refund) -> bool:
    refund.status, refund.undone_at = "failed", timezone.now()
    refund.save()
    return ledger.post_refund_failed(refund=refund)


def win(dispute: Dispute) -> bool:
    dispute.status, dispute.closed_at = "won", timezone.now()
    dispute.save()
    return ledger.post_dispute_won(dispute=dispute)


def test_a_refund_of_a_line_takes_from_that_line_alone(sell: Sell) -> None:
    payment = sell("40.00", "60.00", tax="5.00")
    first, second = items_of(payment)
    assert ledger.post_refund(refund=add_refund(payment, "45.00", first))
    assert held(first) == 0
    assert held(second) == Decimal("65.00")
    assert balance("stripe") == Decimal("-65.00")
    assert balance("instructor", instructor=second.instructor) == Decimal("42.00")
    assert balance("instructor", instructor=first.instructor) == 0
    assert balance("tax") == Decimal("5.00")


def test_the_same_refund_is_booked_once(sell: Sell) -> None:
    refund = add_refund(sell("40.00"), "10.00")
    assert ledger.post_refund(refund=refund)
    assert not ledger.post_refund(refund=refund)
    assert balance("stripe") == Decimal("-30.00")


def test_a_failed_refund_is_taken_out_exactly(sell: Sell) -> None:
    payment = sell("33.33", "66.67")
    before = list(LedgerEntry.objects.values_list("account", "order_item_id", "amount"))
    refund = add_refund(payment, "17.77")
    assert ledger.post_refund(refund=refund)
    assert fail(refund)
    assert not fail(refund)
    after = LedgerEntry.objects.filter(transaction__refund=refund)
    sums: dict[object, Decimal] = {}
    for entry in after:
        key = (entry.account, entry.order_item_id, entry.instructor_id)
        sums[key] = sums.get(key, ZERO) + entry.amount
    assert set(sums.values()) == {ZERO}
    assert len(before) == 5


def test_a_refund_never_booked_cannot_fail_in_the_books(sell: Sell) -> None:
    assert not fail(add_refund(sell("40.00"), "10.00"))
    assert LedgerTransaction.objects.count() == 1


def test_a_refund_of_undue_money_takes_it_from_the_buyers(sell: Sell) -> None:
    paid = sell("40.00")
    late = Payment.objects.create(
        order=paid.order,
        stripe_payment_id="pi_late",
        amount=Decimal("40.00"),
        currency="usd",
        status="succeeded",
        succeeded_at=timezone.now(),
        next_check_at=timezone.now(),
    )
    assert ledger.post_undue_payments(payments=[late]) == 1
    assert ledger.post_refund(refund=add_refund(late, "40.00"))
    assert balance("buyers") == 0
    assert balance("instructor") == Decimal("28.00")


def test_what_comes_due_with_a_reversal(sell: Sell) -> None:
    """Earnings still held are held together with what is taken from them; later it counts at
    once."""
    payment = sell("40.00")
    sale = LedgerEntry.objects.get(account="instructor")
    ledger.post_refund(refund=add_refund(payment, "10.00"))
    early = LedgerEntry.objects.get(account="instructor", transaction__kind="refund")
    assert early.available_at == sale.available_at
    late = add_refund(payment, "10.00")
    assert sale.available_at is not None
    late.applied_at = sale.available_at + dt.timedelta(days=3)
    ledger.post_refund(refund=late)
    entry = LedgerEntry.objects.get(account="instructor", transaction__refund=late)
    assert entry.available_at == late.applied_at


def test_a_dispute_takes_the_money_and_its_fee(sell: Sell) -> None:
    payment = sell("40.00")
    dispute = add_dispute(payment, "40.00", fee="15.00")
    assert ledger.post_dispute(dispute=dispute)
    assert not ledger.post_dispute(dispute=dispute)
    assert balance("instructor") == 0
    assert balance("stripe_fees") == Decimal("-15.00")
    assert balance("stripe") == Decimal("15.00"), "the fee is owed to Stripe"
    assert win(dispute)
    assert not win(dispute)
    assert balance("instructor") == Decimal("28.00")
    assert balance("stripe_fees") == Decimal("-15.00"), "Stripe keeps its fee"


def test_a_fee_that_becomes_known_later_or_is_given_back(sell: Sell) -> None:
    dispute = add_dispute(sell("40.00"), "40.00")
    assert ledger.post_dispute(dispute=dispute)
    dispute.fee_amount = Decimal("15.00")
    assert ledger.post_dispute(dispute=dispute)
    assert balance("stripe_fees") == Decimal("-15.00")
    dispute.fee_amount = ZERO
    assert win(dispute)
    assert balance("stripe_fees") == 0


def test_an_inquiry_moves_nothing(sell: Sell) -> None:
    dispute = add_dispute(sell("40.00"), "40.00", fee="15.00")
    dispute.status = "warning_needs_response"
    assert not ledger.post_dispute(dispute=dispute)
    assert not ledger.post_dispute_won(dispute=dispute)
    assert LedgerTransaction.objects.count() == 1


def test_what_is_refunded_and_disputed_is_lost_once(sell: Sell) -> None:
    payment = sell("40.00")
    (item,) = items_of(payment)
    ledger.post_refund(refund=add_refund(payment, "30.00"))
    dispute = add_dispute(payment, "40.00")
    ledger.post_dispute(dispute=dispute)
    assert held(item) == 0
    assert loss() == Decimal("30.00")
    win(dispute)
    assert held(item) == Decimal("10.00")
    assert loss() == 0


def test_money_that_comes_back_makes_good_what_was_lost(sell: Sell) -> None:
    """The refund took the line's money, so the dispute was the platform's loss. When the refund
    fails, the dispute has taken from the line, and the loss is none."""
    payment = sell("40.00")
    (item,) = items_of(payment)
    refund, dispute = add_refund(payment, "30.00"), add_dispute(payment, "40.00")
    ledger.post_refund(refund=refund)
    ledger.post_dispute(dispute=dispute)
    fail(refund)
    assert held(item) == 0
    assert loss() == 0
    win(dispute)
    assert held(item) == Decimal("40.00")
    assert loss() == 0
    assert balance("instructor") == Decimal("28.00")


def test_a_loss_made_good_goes_back_to_the_line_it_came_from(sell: Sell) -> None:
    payment = sell("50.00", "50.00")
    first, second = items_of(payment)
    one, other = add_refund(payment, "50.00", first), add_refund(payment, "50.00", second)
    ledger.post_refund(refund=one)
    ledger.post_refund(refund=other)
    dispute = add_dispute(payment, "50.00")
    ledger.post_dispute(dispute=dispute)
    fail(other)
    assert [held(first), held(second), loss()] == [ZERO, ZERO, ZERO]
    win(dispute)
    assert [held(first), held(second), loss()] == [ZERO, Decimal("50.00"), ZERO]
    fail(one)
    assert [held(first), held(second)] == [Decimal("50.00"), Decimal("50.00")]


@settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_whatever_happens_the_lines_hold_what_is_there_and_no_loss_stands_beside_it(
    sell: Sell, data: st.DataObject
) -> None:
    with transaction.atomic():
        _play(sell, data)
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        transaction.set_rollback(True)


def _play(sell: Sell, data: st.DataObject) -> None:
    prices = data.draw(st.lists(st.integers(1, 9999).map(from_minor), min_size=1, max_size=3))
    payment = sell(*map(str, prices), tax=str(from_minor(data.draw(st.integers(0, 300)))))
    items = items_of(payment)
    standing: list[Refund | Dispute] = []
    for step in data.draw(st.lists(st.sampled_from("rrnd-"), max_size=6)):
        if step == "-":
            if standing:
                undo(standing.pop(data.draw(st.integers(0, len(standing) - 1))))
        else:
            amount = str(from_minor(data.draw(st.integers(1, int(payment.amount * 100)))))
            named = data.draw(st.sampled_from(items))
            standing.append(take(payment, step, amount, named))
    there = payment.amount - sum((cause.amount for cause in standing), ZERO)
    assert balance("stripe") == -there
    assert sum(map(held, items), ZERO) == max(there, ZERO)
    assert loss() == max(-there, ZERO)
    for item in items:
        assert ZERO <= held(item) <= item.paid_amount
        for account in ("instructor", "platform", "tax"):
            assert balance(account, order_item=item) >= 0


def take(payment: Payment, step: str, amount: str, named: OrderItem) -> Refund | Dispute:
    if step == "d":
        dispute = add_dispute(payment, amount)
        assert ledger.post_dispute(dispute=dispute)
        return dispute
    refund = add_refund(payment, amount, *([named] if step == "n" else []))
    assert ledger.post_refund(refund=refund)
    return refund


def undo(cause: Refund | Dispute) -> None:
    assert fail(cause) if isinstance(cause, Refund) else win(cause)


def test_many_refunds_and_then_the_rest_leave_every_account_at_zero(sell: Sell) -> None:
    payment = sell("19.99", "0.03", "89.97", tax="1.11")
    left = payment.amount
    for amount in ("0.01", "7.77", "33.33", "0.02"):
        ledger.post_refund(refund=add_refund(payment, amount))
        left -= Decimal(amount)
    ledger.post_refund(refund=add_refund(payment, str(left)))
    for item in items_of(payment):
        for account in ("instructor", "platform", "tax"):
            assert balance(account, order_item=item) == 0
    assert loss() == 0
    assert balance("stripe") == 0


@pytest.mark.parametrize("fees", [["15.00", "30.00"], ["15.00", "0.00", "15.00", "0.00"]])
def test_a_disputes_fee_is_followed_however_often_it_changes(sell: Sell, fees: list[str]) -> None:
    """Stripe charges once more for a dispute that is contested, and may give both back."""
    dispute = add_dispute(sell("40.00"), "40.00")
    ledger.post_dispute(dispute=dispute)
    for fee in fees:
        dispute.fee_amount = Decimal(fee)
        dispute.save()
        assert ledger.post_dispute(dispute=dispute)
        assert not ledger.post_dispute(dispute=dispute)
        assert balance("stripe_fees") == -Decimal(fee)
        assert balance("stripe") == Decimal(fee)


def test_an_inquiry_that_becomes_a_dispute_is_booked_when_the_money_goes(sell: Sell) -> None:
    """A statement of a month that is over stays as it was."""
    dispute = add_dispute(sell("40.00"), "40.00")
    long_ago = timezone.now() - dt.timedelta(days=40)
    Dispute.objects.update(created_at=long_ago, opened_at=long_ago)
    dispute.refresh_from_db()
    begun = timezone.now()
    assert ledger.post_dispute(dispute=dispute)
    assert LedgerTransaction.objects.get(dispute=dispute).occurred_at >= begun


def test_a_dispute_of_before_the_books_is_booked_when_it_came(sell: Sell) -> None:
    dispute = add_dispute(sell("40.00"), "40.00")
    long_ago = timezone.now() - dt.timedelta(days=40)
    Dispute.objects.update(created_at=long_ago)
    assert ledger.post_missing(everything=True) == 1
    assert LedgerTransaction.objects.get(dispute=dispute).occurred_at == long_ago
