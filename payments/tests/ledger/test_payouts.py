"""Payouts: planned once, sent once, and never more than what is owed."""

import datetime as dt
import threading
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from core.outbox import FIRST_BACKOFF
from devtools.stripe_standin.client import StandIn
from payments import ledger, services
from payments.errors import PayoutsUnavailable
from payments.ledger import balances
from payments.models import LedgerEntry, Payment, Payout, PayoutAccount
from payments.services import payout_accounts, payouts
from payments.tests.ledger.conftest import Sell, add_refund, balance, items_of
from tests.parallel import at_once, meet
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _connected(settings, standin: StandIn) -> None:
    settings.STRIPE_CONNECT = True
    settings.EARNINGS_HOLD = dt.timedelta(0)


@pytest.fixture
def sale(sell: Sell) -> Payment:
    """A sale of 40.00, of which the instructor is owed 28.00 at once."""
    return sell("40.00")


@pytest.fixture
def teacher(sale: Payment) -> User:
    (item,) = items_of(sale)
    assert item.instructor is not None
    return item.instructor


@pytest.fixture
def account(teacher: User, standin: StandIn) -> PayoutAccount:
    """The teacher's account, onboarded."""
    services.start_onboarding(user_id=teacher.id, email=teacher.email, country="")
    account = PayoutAccount.objects.get(instructor=teacher)
    standin.onboard(str(account.stripe_account_id))
    services.look_at_payout_account(user_id=teacher.id)
    account.refresh_from_db()
    return account


@pytest.fixture(autouse=True)
def _asked_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("payments.services.payout_accounts.FRESH", dt.timedelta(0))


def owed(teacher: User) -> Decimal:
    return balances.get_payable(instructor_id=teacher.id)


def test_an_instructor_is_onboarded_and_paid(
    account: PayoutAccount, teacher: User, standin: StandIn
) -> None:
    assert account.is_ready
    assert account.details_submitted
    assert services.plan_payouts() == 1
    payout = Payout.objects.get()
    assert (payout.amount, payout.currency, payout.status) == (Decimal("28.00"), "usd", "due")
    assert owed(teacher) == 0
    assert balance("payouts") == Decimal("28.00")
    assert services.send_due_payouts() == 1
    payout.refresh_from_db()
    assert (payout.status, payout.last_error) == ("paid", "")
    assert payout.paid_at is not None
    assert balance("payouts") == 0
    assert balance("stripe") == Decimal("-12.00")
    assert services.plan_payouts() == 0
    assert services.send_due_payouts() == 0


def test_onboardings_at_once_open_one_account(teacher: User, standin: StandIn) -> None:
    at_once(
        *[lambda: services.start_onboarding(user_id=teacher.id, email=teacher.email, country="")]
        * 5
    )
    account = PayoutAccount.objects.get()
    at_stripe = payouts.stripe_connect.ask_stripe(lambda client: client.v1.accounts.list())
    assert [one.id for one in at_stripe.data] == [account.stripe_account_id]
    assert not account.is_ready


def test_an_account_opened_meanwhile_is_kept(teacher: User, standin: StandIn) -> None:
    """Two requests at once, of two countries: two accounts at Stripe, and one of them is theirs."""
    account = PayoutAccount.objects.create(instructor=teacher)
    stale = PayoutAccount.objects.get(id=account.id)
    first = payout_accounts._open(account, email=teacher.email, country="DE")
    assert payout_accounts._open(stale, email=teacher.email, country="FR") == first
    assert PayoutAccount.objects.get().stripe_account_id == first


def test_an_account_that_stops_being_ready_is_not_paid(
    account: PayoutAccount, standin: StandIn
) -> None:
    standin.onboard(str(account.stripe_account_id), ready=False)
    services.sync_account(
        facts=payouts.stripe_connect.retrieve_account(account_id=str(account.stripe_account_id))
    )
    assert services.plan_payouts() == 0


def test_nothing_is_paid_below_the_minimum(account: PayoutAccount, settings) -> None:
    settings.PAYOUT_MINIMUM = Decimal("28.01")
    assert services.plan_payouts() == 0
    settings.PAYOUT_MINIMUM = Decimal("28.00")
    assert services.plan_payouts() == 1


def test_earnings_on_hold_are_not_paid(account: PayoutAccount, sell: Sell, settings) -> None:
    settings.EARNINGS_HOLD = dt.timedelta(days=30)
    sell("100.00")
    services.plan_payouts()
    assert Payout.objects.get().amount == Decimal("28.00")


def test_switched_off_nothing_is_planned_sent_or_opened(
    account: PayoutAccount, teacher: User, settings
) -> None:
    settings.STRIPE_CONNECT = False
    assert services.plan_payouts() == 0
    settings.STRIPE_CONNECT = True
    assert services.plan_payouts() == 1, "it was owed"
    settings.STRIPE_CONNECT = False
    assert services.send_due_payouts() == 0
    with pytest.raises(PayoutsUnavailable):
        services.start_onboarding(user_id=teacher.id, email=teacher.email, country="")


def test_ten_sweeps_at_once_pay_once(
    account: PayoutAccount, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has found the payout due before any of them says that it is taken."""
    planned = at_once(*[services.plan_payouts] * 10)
    assert sorted(planned) == [0] * 9 + [1]
    save = Payout.save

    def meet_and_save(payout: Payout, **given: Any) -> None:
        meet()
        save(payout, **given)

    monkeypatch.setattr(Payout, "save", meet_and_save)
    at_once(*[services.send_due_payouts] * 10)
    assert Payout.objects.get().status == "paid"
    assert standin.counts()["transfers.create"] == 1


def test_a_plan_waits_for_the_accounts_lock_and_counts_anew(
    account: PayoutAccount, teacher: User
) -> None:
    """Without the lock the second plan would pay what the first is about to."""
    locked = threading.Event()

    def plan_first() -> None:
        with transaction.atomic():
            PayoutAccount.objects.select_for_update(no_key=True).get(id=account.id)
            locked.set()
            meet()
            paid = Payout.objects.create(
                account=account,
                amount=Decimal("28.00"),
                currency="usd",
                status="paid",
                paid_at=timezone.now(),
                stripe_transfer_id="tr_1",
                next_attempt_at=timezone.now(),
            )
            payouts.ledger.post_payout(payout=paid)

    def plan_meanwhile() -> int:
        assert locked.wait(timeout=60)
        return services.plan_payouts()

    assert at_once(plan_first, plan_meanwhile) == [None, 0]
    assert owed(teacher) == 0


def test_a_lost_answer_is_found_again(account: PayoutAccount, standin: StandIn) -> None:
    services.plan_payouts()
    standin.fault("drop", "transfers.create")
    services.send_due_payouts()
    payout = Payout.objects.get()
    assert payout.status == "due"
    assert payout.last_error
    standin.expire_idempotency_keys()
    Payout.objects.update(next_attempt_at=timezone.now())
    services.send_due_payouts()
    payout.refresh_from_db()
    assert payout.status == "paid"
    assert standin.counts()["transfers.create"] == 1, "it was looked for, not made again"


def test_two_workers_on_the_same_payout_make_one_transfer(
    account: PayoutAccount, standin: StandIn
) -> None:
    """The first one's lease has lapsed while Stripe took its time."""
    services.plan_payouts()
    payout = Payout.objects.select_related("account").get()
    standin.fault("hang", "transfers.create", seconds=0.5)
    at_once(*[lambda: payouts._send(payout)] * 3)
    facts = payouts.stripe_connect.find_transfer(payout_id=str(payout.id))
    assert facts is not None
    services.sync_transfer(facts=facts)
    assert len(made_transfers()) == 1
    assert balance("stripe") == Decimal("-12.00")


def made_transfers() -> list[str]:
    """The ids of all transfers at Stripe."""
    page = payouts.stripe_connect.ask_stripe(lambda client: client.v1.transfers.list())
    return [transfer.id for transfer in page.data]


def test_a_payout_that_was_made_is_not_given_up(
    account: PayoutAccount, teacher: User, standin: StandIn
) -> None:
    services.plan_payouts()
    claimed = Payout.objects.select_related("account").get()
    services.send_due_payouts()
    payouts._give_up(claimed, "said a worker that came late")
    assert Payout.objects.get().status == "paid"
    assert owed(teacher) == 0


def test_one_payout_is_due_for_an_account_at_a_time(account: PayoutAccount) -> None:
    services.plan_payouts()
    with pytest.raises(IntegrityError, match="payout_one_due_per_account"):
        Payout.objects.create(
            account=account, amount=1, currency="usd", next_attempt_at=timezone.now()
        )


def test_while_stripe_is_down_a_payout_waits(account: PayoutAccount, standin: StandIn) -> None:
    services.plan_payouts()
    standin.fault("refuse", "*", status=503)
    before = timezone.now()
    services.send_due_payouts()
    payout = Payout.objects.get()
    assert payout.status == "due"
    assert payout.next_attempt_at >= before + FIRST_BACKOFF


def test_a_refused_payout_fails_and_is_owed_as_before(
    account: PayoutAccount, teacher: User, standin: StandIn
) -> None:
    services.plan_payouts()
    standin.limit_balance(100)
    services.send_due_payouts()
    payout = Payout.objects.get()
    assert payout.status == "failed"
    assert "balance_insufficient" in payout.last_error
    assert owed(teacher) == Decimal("28.00")
    assert balance("payouts") == 0
    assert services.plan_payouts() == 0, "somebody has to do something first"
    Payout.objects.update(updated_at=timezone.now() - dt.timedelta(days=2))
    standin.limit_balance(None)
    assert services.plan_payouts() == 1
    services.send_due_payouts()
    assert Payout.objects.filter(status="paid").count() == 1


def test_a_negative_balance_is_carried_forward(
    account: PayoutAccount, teacher: User, sale: Payment, sell: Sell
) -> None:
    services.plan_payouts()
    services.send_due_payouts()
    with transaction.atomic():
        ledger.post_refund(refund=add_refund(sale, "40.00"))
    assert owed(teacher) == Decimal("-28.00")
    assert services.plan_payouts() == 0
    sell("100.00")
    assert owed(teacher) == Decimal("42.00")
    assert services.plan_payouts() == 1
    assert Payout.objects.get(status="due").amount == Decimal("42.00")


def test_a_refund_while_a_payout_is_under_way_is_owed_back(
    account: PayoutAccount, teacher: User, sale: Payment
) -> None:
    services.plan_payouts()

    def refund() -> None:
        with transaction.atomic():
            ledger.post_refund(refund=add_refund(sale, "40.00"))

    assert at_once(refund, services.send_due_payouts) == [None, 1]
    assert owed(teacher) == Decimal("-28.00")
    assert Payout.objects.get().status == "paid"


def test_a_transfer_taken_back_in_parts_and_then_whole(
    account: PayoutAccount, teacher: User, standin: StandIn
) -> None:
    services.plan_payouts()
    services.send_due_payouts()
    payout = Payout.objects.get()
    transfer_id = str(payout.stripe_transfer_id)
    standin.reverse_transfer(transfer_id, 800)
    for _ in range(2):
        payouts.look_up_transfer(transfer_id=transfer_id)()
    payout.refresh_from_db()
    assert payout.status == "paid"
    assert owed(teacher) == Decimal("8.00")
    standin.reverse_transfer(transfer_id)
    for _ in range(2):
        payouts.look_up_transfer(transfer_id=transfer_id)()
    payout.refresh_from_db()
    assert payout.status == "failed"
    assert owed(teacher) == Decimal("28.00")
    assert balance("stripe") == Decimal("-40.00")
    assert sum(LedgerEntry.objects.values_list("amount", flat=True)) == 0


def test_a_transfer_made_by_hand_changes_nothing(account: PayoutAccount, standin: StandIn) -> None:
    facts = payouts.stripe_connect.create_transfer(
        amount=500,
        currency="usd",
        account_id=str(account.stripe_account_id),
        payout_id="not one of ours",
        idempotency_key="by-hand",
    )
    services.sync_transfer(facts=facts)
    assert not Payout.objects.exists()
