"""Looking at instructors' accounts: what no webhook told of them is found all the same."""

import datetime as dt
from typing import Any

import pytest
from django.db import IntegrityError
from django.utils import timezone

from core.models import OutboxEvent
from devtools.stripe_standin.client import StandIn
from payments import services
from payments.models import BankPayoutFailure, PayoutAccount
from payments.services import account_looks
from payments.tests.ledger.test_payout_trouble import onboard
from tests.factories import UserFactory
from tests.parallel import at_once

pytestmark = pytest.mark.django_db(transaction=True)

Trouble = PayoutAccount.Trouble


@pytest.fixture(autouse=True)
def _connected(settings: Any, standin: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.STRIPE_CONNECT = True
    monkeypatch.setattr("payments.services.payout_accounts.FRESH", dt.timedelta(0))


@pytest.fixture
def account(standin: StandIn) -> PayoutAccount:
    """Ready for payouts, and due to be looked at."""
    return due(onboard(UserFactory.create(), standin))


def due(account: PayoutAccount, *, since: dt.timedelta = dt.timedelta(0)) -> PayoutAccount:
    PayoutAccount.objects.filter(id=account.id).update(next_look_at=timezone.now() - since)
    account.refresh_from_db()
    return account


def id_of(account: PayoutAccount) -> str:
    return str(account.stripe_account_id)


def told(name: str) -> int:
    return OutboxEvent.objects.filter(name=f"payments.{name}").count()


@pytest.mark.parametrize(
    ("happen", "trouble"),
    [
        (lambda standin, of: standin.onboard(of, ready=False), Trouble.RESTRICTED),
        (lambda standin, of: standin.reject(of), Trouble.REJECTED),
        (lambda standin, of: standin.deauthorize(of), Trouble.GONE),
    ],
    ids=["restricted", "rejected", "gone"],
)
def test_what_no_webhook_told_of_an_account_is_found_and_told_once(
    account: PayoutAccount, standin: StandIn, happen: Any, trouble: str
) -> None:
    happen(standin, id_of(account))
    for _ in range(2):
        assert services.look_at_accounts() == 1
        due(account)
    assert (account.trouble, account.is_ready) == (trouble, False)
    assert told("payout_account_in_trouble") == 1


def test_a_payout_that_a_bank_refused_is_found_and_told_once(
    account: PayoutAccount, standin: StandIn
) -> None:
    refused = standin.refuse_payout(id_of(account))
    for _ in range(2):
        services.look_at_accounts()
        due(account)
    failure = BankPayoutFailure.objects.get()
    assert (failure.account, failure.stripe_payout_id) == (account, refused["id"])
    assert told("bank_payout_failed") == 1


def test_who_waits_longest_is_looked_at_first_and_no_more_than_the_bound(
    account: PayoutAccount, standin: StandIn
) -> None:
    earlier = due(onboard(UserFactory.create(), standin), since=dt.timedelta(minutes=5))
    assert services.look_at_accounts(limit=1) == 1
    for one in (account, earlier):
        one.refresh_from_db()
    assert account.next_look_at <= timezone.now() < earlier.next_look_at
    assert services.look_at_accounts() == 1
    assert services.look_at_accounts() == 0, "nothing is due"


@pytest.mark.parametrize(("is_ready", "gap"), [(True, 1), (False, 24)])
def test_one_that_can_be_paid_is_looked_at_hourly_and_others_daily(
    account: PayoutAccount, standin: StandIn, is_ready: bool, gap: int
) -> None:
    standin.onboard(id_of(account), ready=is_ready)
    services.look_at_accounts()
    account.refresh_from_db()
    ahead = account.next_look_at - timezone.now()
    assert dt.timedelta(hours=gap - 1, minutes=50) < ahead <= dt.timedelta(hours=gap)


def test_of_workers_at_once_one_looks_at_an_account(
    account: PayoutAccount, standin: StandIn
) -> None:
    before = standin.counts()["accounts.retrieve"]
    assert sorted(at_once(*[services.look_at_accounts] * 4)) == [0, 0, 0, 1]
    assert standin.counts()["accounts.retrieve"] - before == 1


def test_while_stripe_is_away_nothing_is_concluded_and_it_is_soon_due_again(
    account: PayoutAccount, standin: StandIn, settings: Any
) -> None:
    standin.fault("refuse", "accounts.retrieve", status=503)
    assert services.look_at_accounts() == 1
    account.refresh_from_db()
    assert (account.trouble, account.is_ready) == ("", True)
    assert account.next_look_at <= timezone.now() + settings.LEASE


def test_a_right_that_is_missing_for_bank_payouts_keeps_no_news_of_the_account(
    account: PayoutAccount, standin: StandIn
) -> None:
    standin.fault("refuse", "payouts.list", status=403)
    standin.onboard(id_of(account), ready=False)
    services.look_at_accounts()
    account.refresh_from_db()
    assert account.trouble == Trouble.RESTRICTED


def test_an_account_that_was_replaced_meanwhile_stays_due(
    account: PayoutAccount, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = account_looks.look_up_account

    def replaced(*, account_id: str) -> Any:
        effect = real(account_id=account_id)
        PayoutAccount.objects.update(stripe_account_id="acct_new", next_look_at=timezone.now())
        return effect

    monkeypatch.setattr(account_looks, "look_up_account", replaced)
    services.look_at_accounts(limit=1)
    account.refresh_from_db()
    assert account.next_look_at <= timezone.now()


def test_where_instructors_are_not_paid_nothing_is_asked(
    account: PayoutAccount, settings: Any
) -> None:
    settings.STRIPE_CONNECT = False
    assert services.look_at_accounts() == 0


def test_there_is_no_other_trouble(account: PayoutAccount) -> None:
    with pytest.raises(IntegrityError):
        PayoutAccount.objects.update(trouble="asleep")
