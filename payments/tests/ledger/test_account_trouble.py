"""Accounts that end: payouts pause, the instructor hears of it once, and can set up another."""

import datetime as dt
import json
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from core.models import OutboxEvent
from devtools.stripe_standin.client import StandIn
from payments import books, services, stripe_connect
from payments.ledger import balances
from payments.models import BankPayoutFailure, LedgerEntry, Payout, PayoutAccount, StripeEvent
from payments.services import payout_accounts, payouts
from payments.tests.ledger.conftest import Sell, teacher_of
from payments.tests.ledger.test_payout_trouble import PAYOUT_RULES, made, onboard
from payments.tests.test_books import run_sql
from payments.tests.test_inbox import deliver, event, sign
from tests.parallel import at_once, meet
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)

Trouble = PayoutAccount.Trouble


@pytest.fixture(autouse=True)
def _connected(settings: Any, standin: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.STRIPE_CONNECT = True
    settings.EARNINGS_HOLD = dt.timedelta(0)
    monkeypatch.setattr("payments.services.payout_accounts.FRESH", dt.timedelta(0))


@pytest.fixture(autouse=True)
def _the_books_hold() -> Any:
    yield
    assert books.verify(invariants=PAYOUT_RULES) == []


@pytest.fixture
def teacher(sell: Sell) -> User:
    """Somebody who is owed 28.00."""
    return teacher_of(sell("40.00"))


@pytest.fixture
def account(teacher: User, standin: StandIn) -> PayoutAccount:
    return onboard(teacher, standin)


def id_of(account: PayoutAccount) -> str:
    account.refresh_from_db()
    return str(account.stripe_account_id)


def set_up_again(teacher: User) -> str:
    """The account that the instructor is sent to Stripe for."""
    services.start_onboarding(user_id=teacher.id, email=teacher.email, country="")
    return id_of(PayoutAccount.objects.get(instructor=teacher))


def hear(kind: str, object_id: str, standin: StandIn, *, account: str, number: int = 1) -> str:
    """Let Stripe tell of something of a connected account, and handle it; what became of it."""
    body = json.loads(event(kind, object_id, f"evt_{number}")) | {"account": account}
    raw = json.dumps(body).encode()
    assert deliver(raw, sign(raw, standin.webhook_secret)).status_code == 200
    services.handle_due_events()
    return StripeEvent.objects.get(id=f"evt_{number}").status


def told() -> list[str]:
    """The troubles that instructors were told of, oldest first."""
    rows = OutboxEvent.objects.filter(name="payments.payout_account_in_trouble").order_by("id")
    return [row.payload["trouble"] for row in rows]


def trouble_of(account: PayoutAccount) -> str:
    account.refresh_from_db()
    return account.trouble


def end_by_event(account: PayoutAccount, standin: StandIn, *, number: int = 1) -> str:
    standin.deauthorize(id_of(account))
    return hear(
        "account.application.deauthorized", "ca_1", standin, account=id_of(account), number=number
    )


def test_a_restricted_account_pauses_and_is_told_once(
    account: PayoutAccount, teacher: User, standin: StandIn
) -> None:
    standin.onboard(id_of(account), ready=False)
    for number in (1, 2):
        hear("account.updated", id_of(account), standin, account=id_of(account), number=number)
    assert trouble_of(account) == Trouble.RESTRICTED
    assert told() == ["restricted"]
    assert services.plan_payouts() == 0
    assert set_up_again(teacher) == id_of(account), "it can be mended"
    standin.onboard(id_of(account))
    services.look_at_payout_account(user_id=teacher.id)
    assert trouble_of(account) == ""
    assert services.plan_payouts() == 1


def test_an_account_that_is_still_being_set_up_is_in_no_trouble(
    teacher: User, standin: StandIn
) -> None:
    set_up_again(teacher)
    row = services.look_at_payout_account(user_id=teacher.id)
    assert (row["is_ready"], row["trouble"]) == (False, None)
    assert told() == []


def test_a_rejected_account_is_replaced(
    account: PayoutAccount, teacher: User, standin: StandIn
) -> None:
    services.plan_payouts()
    services.send_due_payouts()
    before = id_of(account)
    standin.reject(before, "fraud")
    hear("account.updated", before, standin, account=before)
    assert trouble_of(account) == Trouble.REJECTED
    assert told() == ["rejected"]
    after = set_up_again(teacher)
    assert after != before
    account.refresh_from_db()
    assert (account.trouble, account.is_ready, account.details_submitted) == ("", False, False)
    assert Payout.objects.get().destination == before


def test_access_that_was_taken_away_ends_an_account(
    account: PayoutAccount, teacher: User, standin: StandIn, sell: Sell
) -> None:
    before = id_of(account)
    assert end_by_event(account, standin) == "handled"
    assert trouble_of(account) == Trouble.GONE
    assert told() == ["gone"]
    assert services.plan_payouts() == 0
    assert end_by_event(account, standin, number=2) == "handled"
    assert told() == ["gone"]
    standin.onboard(set_up_again(teacher))
    services.look_at_payout_account(user_id=teacher.id)
    assert services.plan_payouts() == 1
    services.send_due_payouts()
    paid = Payout.objects.get()
    assert (paid.status, paid.destination) == ("paid", id_of(account))
    assert paid.destination != before


def test_what_the_event_says_is_asked_of_stripe(account: PayoutAccount, standin: StandIn) -> None:
    """It may be old: since then our access was given back."""
    assert hear("account.application.deauthorized", "ca_1", standin, account=id_of(account)) == (
        "handled"
    )
    assert trouble_of(account) == ""
    assert account.is_ready


def test_an_event_of_our_own_account_is_not_an_instructors(
    account: PayoutAccount, standin: StandIn
) -> None:
    raw = event("payout.failed", "po_ours")
    deliver(raw, sign(raw, standin.webhook_secret))
    services.handle_due_events()
    assert StripeEvent.objects.get().status == "ignored"


def test_an_account_that_stripe_does_not_know_any_more_is_found_out_by_a_payout(
    account: PayoutAccount, teacher: User, standin: StandIn
) -> None:
    services.plan_payouts()
    standin.deauthorize(id_of(account))
    services.send_due_payouts()
    assert Payout.objects.get().status == "failed"
    assert balances.get_payable(instructor_id=teacher.id) == Decimal("28.00")
    assert told() == ["gone"]


def test_an_account_that_is_gone_is_replaced_at_once(
    account: PayoutAccount, teacher: User, standin: StandIn
) -> None:
    """Nobody had told us: the instructor still gets an address where they can set up another."""
    before = id_of(account)
    standin.deauthorize(before)
    assert set_up_again(teacher) != before
    assert told() == ["gone"]


def test_a_payout_under_way_goes_to_no_other_account(
    account: PayoutAccount, teacher: User, standin: StandIn
) -> None:
    """Its first try may have been made, with its answer lost."""
    services.plan_payouts()
    before = id_of(account)
    standin.fault("drop", "transfers.create")
    services.send_due_payouts()
    standin.deauthorize(before)
    after = set_up_again(teacher)
    Payout.objects.update(next_attempt_at=timezone.now())
    services.send_due_payouts()
    payout = Payout.objects.get()
    assert (payout.status, payout.destination) == ("paid", before)
    assert after != before
    assert len(made()) == 1


def test_a_payout_of_before_destinations_were_written_down_keeps_its_account(
    account: PayoutAccount, teacher: User, standin: StandIn
) -> None:
    services.plan_payouts()
    run_sql(
        "ALTER TABLE payments_payout DISABLE TRIGGER USER",
        "UPDATE payments_payout SET destination = ''",
        "ALTER TABLE payments_payout ENABLE TRIGGER USER",
    )
    before = id_of(account)
    standin.reject(before)
    payout_accounts.refresh_account(account_id=before)
    set_up_again(teacher)
    assert payouts.get_destination(Payout.objects.select_related("account").get()) == before


def test_what_failed_because_of_the_old_account_does_not_pause_the_new_one(
    account: PayoutAccount, teacher: User, standin: StandIn
) -> None:
    services.plan_payouts()
    standin.deauthorize(id_of(account))
    services.send_due_payouts()
    standin.onboard(set_up_again(teacher))
    services.look_at_payout_account(user_id=teacher.id)
    assert services.plan_payouts() == 1


def test_an_old_accounts_news_changes_nothing_of_the_new_one(
    account: PayoutAccount, teacher: User, standin: StandIn
) -> None:
    before = id_of(account)
    standin.reject(before)
    payout_accounts.refresh_account(account_id=before)
    standin.onboard(set_up_again(teacher))
    services.look_at_payout_account(user_id=teacher.id)
    payout_accounts.refresh_account(account_id=before)
    assert trouble_of(account) == ""
    assert account.is_ready


def test_at_once_one_account_takes_the_place_of_the_old(
    account: PayoutAccount, teacher: User, standin: StandIn
) -> None:
    before = id_of(account)
    standin.reject(before)
    payout_accounts.refresh_account(account_id=before)
    at_once(*[partial(set_up_again, teacher)] * 4)
    at_stripe = payouts.stripe_connect.ask_stripe(lambda client: client.v1.accounts.list())
    assert {one.id for one in at_stripe.data} == {before, id_of(account)}


def test_of_two_new_accounts_the_first_stays(
    account: PayoutAccount, teacher: User, standin: StandIn
) -> None:
    """Set up for two countries at once."""
    standin.reject(id_of(account))
    payout_accounts.refresh_account(account_id=id_of(account))
    stale = [PayoutAccount.objects.get(), PayoutAccount.objects.get()]
    first = payout_accounts._open(stale[0], email=teacher.email, country="DE")
    assert payout_accounts._open(stale[1], email=teacher.email, country="FR") == first
    assert id_of(account) == first


def test_what_is_told_at_once_is_told_once(
    account: PayoutAccount, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the account's lock each would find it untold."""
    standin.onboard(id_of(account), ready=False)
    facts = stripe_connect.retrieve_account(account_id=id_of(account))
    judge = payout_accounts._judge

    def meet_and_judge(*of: Any) -> str:
        meet()
        return judge(*of)

    monkeypatch.setattr(payout_accounts, "_judge", meet_and_judge)
    at_once(*[partial(services.sync_account, facts=facts)] * 3)
    assert told() == ["restricted"]


def test_the_instructor_sees_what_is_wrong(
    account: PayoutAccount, teacher: User, standin: StandIn
) -> None:
    standin.reject(id_of(account))
    payout_accounts.refresh_account(account_id=id_of(account))
    client = APIClient()
    client.force_authenticate(teacher)
    assert client.get("/api/v1/instructor/payout-account/").json() == {
        "payouts_enabled": True, "exists": True, "details_submitted": True, "is_ready": False,
        "trouble": "rejected",
    }  # fmt: skip


# --- What banks refuse ---------------------------------------------------------------------------


def test_a_payout_that_the_bank_refused_is_told_once(
    account: PayoutAccount, teacher: User, standin: StandIn
) -> None:
    entries = LedgerEntry.objects.count()
    payout = standin.refuse_payout(id_of(account))
    for number in (1, 2):
        assert hear(
            "payout.failed", payout["id"], standin, account=id_of(account), number=number
        ) == ("handled")
    failure = BankPayoutFailure.objects.get()
    assert (failure.account, failure.reason) == (account, "account_closed")
    events = OutboxEvent.objects.filter(name="payments.bank_payout_failed")
    assert [one.payload["user_id"] for one in events] == [str(teacher.id)]
    assert LedgerEntry.objects.count() == entries, "it lies in their account"
    assert trouble_of(account) == ""


def test_a_bank_that_refuses_the_old_accounts_payout_is_told_of(
    account: PayoutAccount, teacher: User, standin: StandIn
) -> None:
    services.plan_payouts()
    services.send_due_payouts()
    before = id_of(account)
    payout = standin.refuse_payout(before)
    standin.reject(before)
    payout_accounts.refresh_account(account_id=before)
    set_up_again(teacher)
    hear("payout.failed", payout["id"], standin, account=before)
    assert BankPayoutFailure.objects.get().account == account


def test_a_bank_payout_of_somebody_elses_account_is_ignored(standin: StandIn) -> None:
    assert hear("payout.failed", "po_1", standin, account="acct_1Others") == "ignored"


def test_staff_see_what_banks_refused(
    account: PayoutAccount, standin: StandIn, admin_client: Any
) -> None:
    payout = standin.refuse_payout(id_of(account))
    hear("payout.failed", payout["id"], standin, account=id_of(account))
    listed = admin_client.get("/admin/payments/bankpayoutfailure/").content.decode()
    assert "account_closed" in listed
