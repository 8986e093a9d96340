"""Movements that balance and have a cause, and give an instructor what nobody owes them."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.utils import timezone

from payments import ledger
from payments.ledger import balances
from payments.ledger import payouts as postings
from payments.models import (
    Dispute,
    LedgerEntry,
    LedgerTransaction,
    Payment,
    Payout,
    PayoutAccount,
)
from payments.tests.ledger.conftest import Sell, add_dispute, add_refund, items_of, teacher_of

pytestmark = pytest.mark.django_db(transaction=True)

# An account, an amount, and whether it is of the payment's line.
Side = tuple[str, str, bool]


@pytest.fixture(autouse=True)
def _at_once(settings: Any) -> None:
    settings.EARNINGS_HOLD = dt.timedelta(0)


@pytest.fixture
def sale(sell: Sell) -> Payment:
    """40.00 and 4.00 of tax: 28.00 of it the instructor's, 12.00 the platform's."""
    return sell("40.00", tax="4.00")


@pytest.fixture
def payout(sale: Payment) -> Payout:
    """20.00 of it are paid out."""
    account = PayoutAccount.objects.create(instructor=teacher_of(sale))
    with transaction.atomic():
        now = timezone.now()
        payout = Payout.objects.create(
            account=account, amount=Decimal("20.00"), currency="usd", status="paid", paid_at=now,
            stripe_transfer_id="tr_1", next_attempt_at=now,
        )  # fmt: skip
        postings.post_payout(payout=payout)
        postings.post_payout_paid(payout=payout)
    return payout


@transaction.atomic
def forge(of: Payment, kind: str, reference: str, *sides: Side, **causes: Any) -> None:
    """Book a movement by these sides, as whoever may write to the ledger could."""
    row = LedgerTransaction.objects.create(
        kind=kind, reference=reference, currency="usd", occurred_at=timezone.now(), **causes
    )
    (item,) = items_of(of)
    for account, amount, is_lines in sides:
        is_teachers = account == "instructor"
        LedgerEntry.objects.create(
            transaction=row, account=account, amount=amount, order_item=item if is_lines else None,
            instructor=item.instructor if is_teachers else None,
            available_at=timezone.now() if is_teachers else None,
        )  # fmt: skip


def assert_refused(of: Payment, why: str, *given: Any, **causes: Any) -> None:
    teacher = teacher_of(of)
    before = balances.get_payable(instructor_id=teacher.id)
    with pytest.raises(IntegrityError, match=why):
        forge(of, *given, **causes)
    assert balances.get_payable(instructor_id=teacher.id) == before


@pytest.mark.parametrize(
    ("sides", "why"),
    [
        ((("stripe", "777", False), ("instructor", "-777", False)), "payout did not take"),
        ((("stripe", "20", False), ("instructor", "-20", False)), "payout did not take"),
        ((("payouts", "20", False), ("instructor", "-20", False)), "payout did not take"),
        ((("payouts", "777", False), ("instructor", "-777", False)), "than its payout"),
        ((("platform", "7", False), ("instructor", "-7", False)), "touches an account"),
        ((("instructor", "7", False), ("stripe", "-7", False)), "than its payout"),
    ],
)  # fmt: skip
def test_what_comes_back_of_a_payout_is_within_it(
    sale: Payment, payout: Payout, sides: tuple[Side, ...], why: str
) -> None:
    reference = f"payout_returned:{payout.id}:777"
    assert_refused(sale, why, "payout_failed", reference, *sides, payout=payout)


def test_what_came_back_already_does_not_come_back_again(sale: Payment, payout: Payout) -> None:
    with transaction.atomic():
        assert postings.post_payout_returned(payout=payout, returned=Decimal("15.00"))
    sides = (("stripe", "5.00", False), ("instructor", "-5.00", False))
    reference = f"payout_returned:{payout.id}:777"
    assert_refused(sale, "did not take", "payout_failed", reference, *sides, payout=payout)


def test_of_a_payout_that_is_due_nothing_comes_back(sale: Payment, payout: Payout) -> None:
    with transaction.atomic():
        due = Payout.objects.create(
            account=payout.account, amount=Decimal("8.00"), currency="usd",
            next_attempt_at=timezone.now(),
        )  # fmt: skip
        postings.post_payout(payout=due)
    with pytest.raises(IntegrityError, match="did not take"), transaction.atomic():
        postings.post_payout_failed(payout=due)


@pytest.mark.parametrize(
    "sides",
    [
        (("payouts", "20", False), ("instructor", "-20", False)),
        (("instructor", "19", False), ("payouts", "-19", False)),
        (("instructor", "20", False), ("payouts", "-19", False), ("payouts", "-1", False)),
    ],
    ids=["turned round", "another amount", "its own"],
)  # fmt: skip
def test_a_payout_takes_its_amount(
    sale: Payment, payout: Payout, sides: tuple[Side, ...], request: pytest.FixtureRequest
) -> None:
    with transaction.atomic():
        other = Payout.objects.create(
            account=payout.account, amount=Decimal("20.00"), currency="usd", status="failed",
            next_attempt_at=timezone.now(),
        )  # fmt: skip
    why = "more than is owed" if request.node.callspec.id == "its own" else "than its payout"
    assert_refused(sale, why, "payout", f"payout:{other.id}", *sides, payout=other)


@pytest.mark.parametrize("dated", ["movement", "both", "entries"])
def test_a_payout_is_not_dated_ahead(sale: Payment, payout: Payout, dated: str) -> None:
    """By which earnings that are held would have been owed."""
    ahead = timezone.now() + dt.timedelta(days=30)

    @transaction.atomic
    def plan() -> None:
        other = Payout.objects.create(
            account=payout.account, amount=Decimal("8.00"), currency="usd", status="failed",
            next_attempt_at=timezone.now(),
        )  # fmt: skip
        if dated == "both":
            Payout.objects.filter(id=other.id).update(created_at=ahead)
        row = LedgerTransaction.objects.create(
            kind="payout", reference=f"payout:{other.id}", currency="usd", payout=other,
            occurred_at=timezone.now() if dated == "entries" else ahead,
        )  # fmt: skip
        with time_machine.travel(ahead if dated == "entries" else timezone.now()):
            teacher = payout.account.instructor
            LedgerEntry.objects.create(
                transaction=row, account="instructor", amount="8.00", instructor=teacher,
                available_at=ahead,
            )  # fmt: skip
        LedgerEntry.objects.create(transaction=row, account="payouts", amount="-8.00")

    with pytest.raises(IntegrityError, match="dated otherwise"):
        plan()


def test_money_comes_back_of_a_refund_that_failed_alone(sale: Payment) -> None:
    refund = add_refund(sale, "44.00")
    with transaction.atomic():
        ledger.post_refund(refund=refund)
    sides = (
        ("stripe", "44.00", False), ("instructor", "-28.00", True), ("platform", "-12.00", True),
        ("tax", "-4.00", True),
    )  # fmt: skip
    reference = f"refund_failed:{refund.id}"
    causes = {"payment": sale, "refund": refund}
    assert_refused(sale, "refund that stands", "refund_failed", reference, *sides, **causes)


def test_it_comes_back_to_whom_it_was_taken_from(sale: Payment) -> None:
    refund = add_refund(sale, "22.00")
    with transaction.atomic():
        ledger.post_refund(refund=refund)
    refund.status, refund.undone_at = "failed", timezone.now()
    refund.save()
    sides = (("stripe", "22.00", False), ("instructor", "-22.00", True))
    reference = f"refund_failed:{refund.id}"
    causes = {"payment": sale, "refund": refund}
    assert_refused(sale, "to others than", "refund_failed", reference, *sides, **causes)


@pytest.mark.parametrize("status", ["lost", "needs_response"])
def test_and_of_a_dispute_that_was_won(sale: Payment, status: str) -> None:
    dispute = add_dispute(sale, "44.00")
    with transaction.atomic():
        ledger.post_dispute(dispute=dispute)
    closed = None if status == "needs_response" else timezone.now()
    Dispute.objects.filter(id=dispute.id).update(status=status, closed_at=closed)
    sides = (
        ("stripe", "44.00", False), ("instructor", "-28.00", True), ("platform", "-12.00", True),
        ("tax", "-4.00", True),
    )  # fmt: skip
    reference, causes = f"dispute_won:{dispute.id}", {"payment": sale, "dispute": dispute}
    assert_refused(sale, "was not won", "dispute_won", reference, *sides, **causes)


def test_a_payment_is_undue_as_a_whole_and_not_sold(sale: Payment) -> None:
    causes = {"payment": sale}
    moved = (("platform", "5.00", True), ("instructor", "-5.00", True))
    assert_refused(
        sale, "touches an account", "undue_payment", f"undue:{sale.id}", *moved, **causes
    )
    whole = (("stripe", "44.00", False), ("buyers", "-44.00", False))
    assert_refused(sale, "as something else", "undue_payment", f"undue:{sale.id}", *whole, **causes)


def test_a_refund_takes_of_its_own_payment(sale: Payment, sell: Sell) -> None:
    refund = add_refund(sell("30.00"), "4.00")
    reference, causes = f"refund:{refund.id}:x", {"payment": sale, "refund": refund}
    sides = (("tax", "4.00", True), ("instructor", "-4.00", True))
    assert_refused(sale, "another payment", "refund", reference, *sides, **causes)


@pytest.mark.parametrize(
    ("sides", "why"),
    [
        ((("tax", "4.00", True), ("instructor", "-4.00", True)), "gives where it takes"),
        ((("tax", "4.00", True), ("platform", "-4.00", False)), "nothing came back for"),
    ],
)
def test_a_refund_gives_nobody_anything(sale: Payment, sides: tuple[Side, ...], why: str) -> None:
    refund = add_refund(sale, "4.00")
    reference, causes = f"refund:{refund.id}:x", {"payment": sale, "refund": refund}
    assert_refused(sale, why, "refund", reference, *sides, **causes)


def test_a_dispute_gives_way_to_a_refund_as_that_is_booked(sale: Payment) -> None:
    refund, dispute = add_refund(sale, "10.00"), add_dispute(sale, "34.00")
    with transaction.atomic():
        ledger.post_refund(refund=refund)
        ledger.post_dispute(dispute=dispute)
    after = LedgerTransaction.objects.get(reference=f"refund:{refund.id}")
    reference, causes = f"dispute:{dispute.id}:{after.id}", {"payment": sale, "dispute": dispute}
    sides = (("tax", "-2.00", True), ("platform", "2.00", False))
    assert_refused(sale, "nothing came back for", "dispute", reference, *sides, **causes)


def test_a_dispute_gives_nobody_more_than_it_took_of_them(sale: Payment) -> None:
    dispute, refund = add_dispute(sale, "4.00"), add_refund(sale, "10.00")
    with transaction.atomic():
        ledger.post_dispute(dispute=dispute)

    @transaction.atomic
    def give(amount: str) -> None:
        """Of the platform's, while the instructor bears the refund."""
        taken = (("instructor", "10.00", True), ("stripe", "-10.00", False))
        of_refund, of_dispute = f"refund:{refund.id}", {"payment": sale, "dispute": dispute}
        forge(sale, "refund", of_refund, *taken, payment=sale, refund=refund)
        after = LedgerTransaction.objects.get(reference=of_refund)
        given = (("instructor", f"-{amount}", True), ("platform", amount, True))
        forge(sale, "dispute", f"dispute:{dispute.id}:{after.id}", *given, **of_dispute)

    with pytest.raises(IntegrityError, match="gives more than its dispute took"):
        give("2.56")
    give("2.55")


def test_a_fee_is_between_stripe_and_us(sale: Payment) -> None:
    dispute = add_dispute(sale, "44.00", fee="15.00")
    reference, causes = f"dispute_fee:{dispute.id}:7", {"payment": sale, "dispute": dispute}
    sides = (("tax", "4.00", True), ("instructor", "-4.00", True))
    assert_refused(sale, "touches an account", "stripe_fee", reference, *sides, **causes)


@pytest.mark.parametrize(
    ("sides", "why"),
    [
        ((("instructor", "28.01", True), ("platform", "12.00", True), ("tax", "3.99", True)),
         r"its instructor would hold -0\.01 of the 28\.00"),
        ((("instructor", "28.00", True), ("platform", "11.99", True), ("tax", "4.01", True)),
         r"its tax would hold -0\.01 of the 4\.00"),
    ],
)  # fmt: skip
def test_no_account_of_a_line_holds_less_than_nothing(
    sale: Payment, sides: tuple[Side, ...], why: str
) -> None:
    refund = add_refund(sale, "44.00")
    reference, causes = f"refund:{refund.id}", {"payment": sale, "refund": refund}
    taken = ("stripe", "-44.00", False)
    assert_refused(sale, why, "refund", reference, *sides, taken, **causes)


def test_no_movement_is_of_another_currency(sale: Payment) -> None:
    refund = add_refund(sale, "44.00")
    Payment.objects.filter(id=sale.id).update(currency="eur")
    reference, causes = f"refund:{refund.id}", {"payment": sale, "refund": refund}
    sides = (("stripe", "-44.00", False), ("tax", "44.00", True))
    assert_refused(sale, "another currency", "refund", reference, *sides, **causes)


def test_honest_movements_are_taken(sale: Payment) -> None:
    """All within one transaction, each with its cause's row after it."""
    refund, dispute = add_refund(sale, "10.00"), add_dispute(sale, "34.00", fee="15.00")
    with transaction.atomic():
        ledger.post_refund(refund=refund)
        ledger.post_dispute(dispute=dispute)
        assert ledger.post_refund_failed(refund=refund)
        assert ledger.post_dispute_won(dispute=dispute)
        refund.status, refund.undone_at = "failed", timezone.now()
        refund.save()
        dispute.status, dispute.closed_at = "won", timezone.now()
        dispute.save()
    assert balances.get_payable(instructor_id=teacher_of(sale).id) == Decimal("28.00")
