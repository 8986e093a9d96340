"""Transfers to instructors are compared with our payouts, and what no news told is healed."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from core.ids import new_id
from devtools.stripe_standin.client import StandIn
from payments import services, stripe_connect
from payments.ledger import balances
from payments.models import Payout, PayoutAccount, ReconciliationDifference
from payments.services import payouts
from payments.tests.ledger.conftest import Sell, teacher_of
from payments.tests.ledger.test_payout_trouble import onboard
from payments.tests.test_comparison import compare
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _connected(settings: Any, standin: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.STRIPE_CONNECT = True
    settings.EARNINGS_HOLD = dt.timedelta(0)
    standin.set_up_platform(interval="manual")
    monkeypatch.setattr("payments.services.payout_accounts.FRESH", dt.timedelta(0))


@pytest.fixture
def teacher(sell: Sell) -> User:
    """Somebody who is owed 28.00."""
    return teacher_of(sell("40.00"))


@pytest.fixture
def account(teacher: User, standin: StandIn) -> PayoutAccount:
    return onboard(teacher, standin)


@pytest.fixture
def payout(account: PayoutAccount) -> Payout:
    """A payout of 28.00 that is due."""
    assert services.plan_payouts() == 1
    return Payout.objects.select_related("account").get()


def send(account: PayoutAccount, payout_id: object, amount: int = 2800) -> str:
    """Make a transfer at Stripe, of which nothing reaches us."""
    return stripe_connect.create_transfer(
        amount=amount,
        currency="usd",
        account_id=str(account.stripe_account_id),
        payout_id=str(payout_id),
        idempotency_key="unheard",
    ).id


def open_differences() -> set[tuple[str, str]]:
    """Of transfers: the books of these sales are those of no Stripe."""
    rows = ReconciliationDifference.objects.filter(resolved_at=None, object_type="transfer")
    return set(rows.values_list("object_id", "kind"))


def test_a_transfer_that_nobody_told_of_is_taken_in(payout: Payout) -> None:
    transfer = send(payout.account, payout.id)
    run = compare()
    payout.refresh_from_db()
    assert (payout.status, payout.stripe_transfer_id) == ("paid", transfer)
    assert (run.transfers_compared, run.differences_healed) == (1, 1)
    assert open_differences() == set()


def test_what_was_taken_back_unheard_is_taken_in(
    payout: Payout, teacher: User, standin: StandIn
) -> None:
    services.send_due_payouts()
    standin.reverse_transfer(str(Payout.objects.get().stripe_transfer_id), 800)
    compare()
    assert balances.get_payable(instructor_id=teacher.id) == Decimal("8.00")
    assert open_differences() == set()


def test_a_transfer_of_a_payout_that_was_given_up_stays_in_sight(payout: Payout) -> None:
    """The instructor has the money, and would be paid it once more."""
    payouts._give_up(payout, "refused")
    transfer = send(payout.account, payout.id)
    compare()
    assert open_differences() == {(transfer, "status")}


def test_a_transfer_of_a_payout_that_is_not_here_stays_in_sight(account: PayoutAccount) -> None:
    transfer = send(account, new_id())
    compare()
    assert open_differences() == {(transfer, "missing_here")}


def test_a_transfer_made_by_hand_is_compared_with_nothing(account: PayoutAccount) -> None:
    send(account, "by hand")
    compare()
    assert open_differences() == set()


def test_another_amount_and_a_transfer_that_stripe_lacks_are_differences(
    payout: Payout, account: PayoutAccount
) -> None:
    transfer = send(account, payout.id, 2700)
    lacking = Payout.objects.create(
        account=account, amount=1, currency="usd", status="paid", paid_at=timezone.now(),
        stripe_transfer_id="tr_nobodys", next_attempt_at=timezone.now(),
    )  # fmt: skip
    compare()
    assert open_differences() == {
        (transfer, "amount"), (str(lacking.stripe_transfer_id), "missing_at_stripe")
    }  # fmt: skip


def test_where_nobody_is_paid_by_connect_no_transfer_is_asked_for(
    payout: Payout, standin: StandIn, settings: Any
) -> None:
    services.send_due_payouts()
    before = standin.counts()["transfers.list"]
    settings.STRIPE_CONNECT = False
    assert compare().transfers_compared == 0
    assert standin.counts()["transfers.list"] == before
