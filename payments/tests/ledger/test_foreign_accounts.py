"""The id of an instructor's account may be written over; Stripe says whose account it is."""

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from devtools.stripe_standin.client import StandIn
from payments import services
from payments.models import Payout, PayoutAccount, ReconciliationDifference
from payments.tests.ledger.conftest import Sell, teacher_of
from payments.tests.ledger.test_payout_trouble import onboard
from payments.tests.test_comparison import compare
from tests.emptying import unguarded
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _connected(settings: Any, standin: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.STRIPE_CONNECT = True
    settings.EARNINGS_HOLD = dt.timedelta(0)
    standin.set_up_platform(interval="manual")
    monkeypatch.setattr("payments.services.payout_accounts.FRESH", dt.timedelta(0))


@pytest.fixture
def account(sell: Sell, standin: StandIn) -> PayoutAccount:
    """Of somebody who is owed 28.00."""
    return onboard(teacher_of(sell("40.00")), standin)


@pytest.fixture
def other(standin: StandIn) -> PayoutAccount:
    return onboard(UserFactory.create(), standin)


def swap(one: PayoutAccount, other: PayoutAccount) -> None:
    """Let each row have the other's account at Stripe, as by SQL."""
    mine, theirs = one.stripe_account_id, other.stripe_account_id
    rows = PayoutAccount.objects
    rows.filter(id=other.id).update(stripe_account_id=None)
    rows.filter(id=one.id).update(stripe_account_id=theirs)
    rows.filter(id=other.id).update(stripe_account_id=mine)


def look_at_all() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE payments_payoutaccount SET next_look_at = now()")
    services.look_at_accounts()


def open_differences() -> set[tuple[str, str]]:
    rows = ReconciliationDifference.objects.filter(resolved_at=None, kind="destination")
    return set(rows.values_list("object_type", "object_id"))


def test_a_payout_is_not_sent_to_anothers_account(
    account: PayoutAccount, other: PayoutAccount, standin: StandIn
) -> None:
    swap(account, other)
    assert services.plan_payouts() == 1
    services.send_due_payouts()
    payout = Payout.objects.get()
    assert payout.status == "due"
    assert payout.last_error.startswith("PayoutAccountForeign")
    assert "transfers.create" not in standin.counts()
    account.refresh_from_db()
    assert (account.is_foreign, account.is_ready, account.trouble) == (True, False, "")


def test_two_accounts_that_are_swapped_are_not_paid(
    account: PayoutAccount, other: PayoutAccount
) -> None:
    swap(account, other)
    look_at_all()
    for one in (account, other):
        one.refresh_from_db()
        assert (one.is_foreign, one.is_ready) == (True, False)
    assert services.plan_payouts() == 0
    compare()
    assert open_differences() == {
        ("payout_account", str(account.id)), ("payout_account", str(other.id))
    }  # fmt: skip
    for one in (account, other):
        one.refresh_from_db()
    swap(account, other)
    look_at_all()
    compare()
    assert open_differences() == set()
    # That the sale of this test was never paid at Stripe holds them, too.
    ReconciliationDifference.objects.exclude(kind="destination").update(resolved_at=timezone.now())
    assert services.plan_payouts() == 1
    services.send_due_payouts()
    assert Payout.objects.get().status == "paid"


def test_a_transfer_that_went_elsewhere_is_a_difference(
    account: PayoutAccount, other: PayoutAccount
) -> None:
    services.plan_payouts()
    services.send_due_payouts()
    payout = Payout.objects.get()
    assert payout.destination == account.stripe_account_id
    compare()
    assert open_differences() == set()
    with unguarded():
        Payout.objects.update(destination=other.stripe_account_id)
    compare()
    assert open_differences() == {("transfer", str(payout.stripe_transfer_id))}
