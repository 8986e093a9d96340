"""What was taken counts at once, whoever's clock is behind: nothing is paid twice for that."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone

from payments import ledger, services
from payments.ledger import balances
from payments.models import Payment, Payout, PayoutAccount
from payments.selectors.earnings import EarningsRow, get_earnings
from payments.services import payouts
from payments.stripe_connect import TransferFacts
from payments.tests.ledger.conftest import Sell, add_dispute, add_refund, teacher_of
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)

EARNED = Decimal("28.00")


@pytest.fixture(autouse=True)
def _connected(settings) -> None:
    settings.STRIPE_SECRET_KEY = "sk_test_x"
    settings.STRIPE_CONNECT = True
    settings.EARNINGS_HOLD = dt.timedelta(0)


@pytest.fixture
def sale(sell: Sell) -> Payment:
    """A sale of 40.00 an hour ago, of which the instructor is owed 28.00."""
    with behind(hours=1):
        return sell("40.00")


@pytest.fixture
def teacher(sale: Payment) -> User:
    return teacher_of(sale)


@pytest.fixture
def payout(teacher: User) -> Payout:
    """All that is owed, on its way."""
    PayoutAccount.objects.create(instructor=teacher, stripe_account_id="acct_1", is_ready=True)
    assert services.plan_payouts() == 1
    return Payout.objects.select_related("account").get()


@contextmanager
def behind(**by: int) -> Iterator[None]:
    """Go by the clock of a machine that is behind."""
    with time_machine.travel(timezone.now() - dt.timedelta(**by)):
        yield


def owed(teacher: User) -> Decimal:
    return balances.get_payable(instructor_id=teacher.id)


def earnings(teacher: User) -> EarningsRow:
    row = get_earnings(user_id=teacher.id, payouts_enabled=True)
    parts = (row["pending"], row["available"], row["in_transit"], row["paid_out"])
    assert sum(parts) == row["lifetime"]
    return row


def make(payout: Payout, *, reversed_minor: int = 0) -> None:
    """Let Stripe say that the transfer was made."""
    services.sync_transfer(
        facts=TransferFacts(
            id="tr_1", amount=2800, amount_reversed=reversed_minor, payout_id=str(payout.id)
        )
    )


def test_a_clock_that_is_behind_pays_the_same_earnings_once(payout: Payout, teacher: User) -> None:
    make(payout)
    with behind(minutes=1):
        assert owed(teacher) == 0
        assert services.plan_payouts() == 0
        assert earnings(teacher)["available"] == 0
    assert Payout.objects.count() == 1


def test_what_came_back_of_a_payout_counts_at_once(payout: Payout, teacher: User) -> None:
    make(payout, reversed_minor=800)
    with behind(minutes=1):
        assert owed(teacher) == Decimal("8.00")


def test_a_payout_that_failed_is_owed_at_once(payout: Payout, teacher: User) -> None:
    payouts._give_up(payout, "refused")
    with behind(minutes=1):
        assert owed(teacher) == EARNED


def test_a_refund_of_what_could_be_paid_counts_at_once(sale: Payment, teacher: User) -> None:
    with transaction.atomic():
        ledger.post_refund(refund=add_refund(sale, "40.00"))
    with behind(minutes=1):
        assert owed(teacher) == 0
        assert earnings(teacher)["available"] == 0


def test_so_does_a_dispute(sale: Payment, teacher: User) -> None:
    with transaction.atomic():
        ledger.post_dispute(dispute=add_dispute(sale, "40.00"))
    with behind(minutes=1):
        assert owed(teacher) == 0


def test_what_takes_from_held_earnings_is_held_as_long(sell: Sell, settings) -> None:
    settings.EARNINGS_HOLD = dt.timedelta(days=30)
    sale = sell("40.00")
    teacher = teacher_of(sale)
    with transaction.atomic():
        ledger.post_refund(refund=add_refund(sale, "40.00"))
    assert owed(teacher) == 0
    assert earnings(teacher)["pending"] == 0
    with time_machine.travel(timezone.now() + dt.timedelta(days=31)):
        assert owed(teacher) == 0
