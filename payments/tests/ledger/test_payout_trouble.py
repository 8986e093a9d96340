"""Payouts that go wrong: nothing is paid twice, nothing is lost, and staff hear of it."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from core.metrics import collect_metrics
from core.models import OutboxEvent
from devtools.stripe_standin.client import StandIn
from payments import books, services, stripe_connect
from payments.ledger import balances
from payments.ledger import payouts as payout_ledger
from payments.models import LedgerTransaction, Payment, Payout, PayoutAccount
from payments.services import payouts
from payments.stripe_gateway import StripeNotFound
from payments.tests.ledger.conftest import Sell, balance, items_of
from payments.tests.test_books import run_sql
from tests.parallel import at_once, meet
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)

PAYOUT_RULES = tuple(rule for rule in books.INVARIANTS if "payout" in rule.name)


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
def sale(sell: Sell) -> Payment:
    """A sale of 40.00, of which the instructor is owed 28.00 at once."""
    return sell("40.00")


@pytest.fixture
def teacher(sale: Payment) -> User:
    return teachers_of(sale)[0]


@pytest.fixture
def account(teacher: User, standin: StandIn) -> PayoutAccount:
    return onboard(teacher, standin)


@pytest.fixture
def payout(account: PayoutAccount) -> Payout:
    """A payout of 28.00 that is due."""
    assert services.plan_payouts() == 1
    return Payout.objects.select_related("account").get()


def teachers_of(sale: Payment) -> list[User]:
    return [item.instructor for item in items_of(sale) if item.instructor is not None]


def onboard(teacher: User, standin: StandIn) -> PayoutAccount:
    services.start_onboarding(user_id=teacher.id, email=teacher.email, country="")
    account = PayoutAccount.objects.get(instructor=teacher)
    standin.onboard(str(account.stripe_account_id))
    services.look_at_payout_account(user_id=teacher.id)
    account.refresh_from_db()
    assert account.is_ready
    return account


def send_again() -> Payout:
    """Let the next try be due, and make it."""
    Payout.objects.filter(status="due").update(next_attempt_at=timezone.now())
    services.send_due_payouts()
    return Payout.objects.get()


def told() -> list[tuple[str, dict[str, Any]]]:
    """What of payouts was told to the rest of the product, oldest first."""
    events = OutboxEvent.objects.filter(name__startswith="payments.payout_").order_by("id")
    return [(event.name, event.payload) for event in events]


def owed(teacher: User) -> Decimal:
    return balances.get_payable(instructor_id=teacher.id)


# --- Planning ------------------------------------------------------------------------------------


def test_accounts_that_are_owed_nothing_keep_nobody_waiting(sell: Sell, standin: StandIn) -> None:
    """However many there are: only those that can be paid count towards the limit of a sweep."""
    sale = sell("40.00", "5.00", "40.00")
    for teacher in teachers_of(sale):
        onboard(teacher, standin)
    planned = [services.plan_payouts(limit=1) for _ in range(3)]
    assert planned == [1, 1, 0]
    assert {payout.amount for payout in Payout.objects.all()} == {Decimal("28.00")}


def test_who_is_owed_nothing_is_paid_nothing(
    account: PayoutAccount, payout: Payout, settings: Any
) -> None:
    services.send_due_payouts()
    settings.PAYOUT_MINIMUM = Decimal(0)
    assert services.plan_payouts() == 0


# --- Sending -------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["drop", "fail"])
def test_a_transfer_of_a_day_ago_is_not_made_again(
    payout: Payout, standin: StandIn, fault: str
) -> None:
    """The answer was lost, or never written; Stripe has forgotten the key since."""
    standin.fault(fault, "transfers.create")  # type: ignore[arg-type]
    services.send_due_payouts()
    standin.expire_idempotency_keys()
    assert send_again().status == "paid"
    assert len(made()) == 1
    assert balance("stripe") == Decimal("-12.00")


def test_a_transfer_that_a_restored_backup_forgot_is_found(
    payout: Payout, standin: StandIn
) -> None:
    """The row says that it was never tried."""
    services.send_due_payouts()
    (transfer,) = made()
    with_nothing_known(payout)
    standin.expire_idempotency_keys()
    after = send_again()
    assert (after.status, after.stripe_transfer_id) == ("paid", transfer)
    assert made() == [transfer]


def with_nothing_known(payout: Payout) -> None:
    """Bring the payout, and the books of it, to where they were before it was sent."""
    free = "ALTER TABLE payments_{} {} TRIGGER USER"
    tables = ("ledgerentry", "ledgertransaction", "payout")
    of_it = "SELECT id FROM payments_ledgertransaction WHERE kind = 'payout_paid'"
    run_sql(
        *(free.format(table, "DISABLE") for table in tables),
        f"DELETE FROM payments_ledgerentry WHERE transaction_id IN ({of_it})",
        "DELETE FROM payments_ledgertransaction WHERE kind = 'payout_paid'",
        "UPDATE payments_payout SET status = 'due', paid_at = NULL, stripe_transfer_id = NULL,"
        " attempts = 0, next_attempt_at = now()",
        *(free.format(table, "ENABLE") for table in tables),
    )


def find_nothing_at_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the look that comes before a transfer find none, and each later one what is there."""
    look, looks = stripe_connect._find, iter([True])
    monkeypatch.setattr(
        stripe_connect, "_find", lambda *of: None if next(looks, False) else look(*of)
    )


def test_a_payout_is_not_given_up_while_its_transfer_exists(
    payout: Payout, teacher: User, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was made between our look and Stripe's refusal, by whomever."""
    stripe_connect.create_transfer(
        amount=2800,
        currency="usd",
        account_id=str(payout.account.stripe_account_id),
        payout_id=str(payout.id),
        idempotency_key="somebody-elses",
    )
    standin.limit_balance(0)
    find_nothing_at_first(monkeypatch)
    services.send_due_payouts()
    assert Payout.objects.get().status == "paid"
    assert owed(teacher) == 0
    assert len(made()) == 1


def test_a_payout_is_not_given_up_while_stripe_cannot_tell(
    payout: Payout, teacher: User, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    standin.limit_balance(0)
    find_nothing_at_first(monkeypatch)
    standin.fault("refuse", "transfers.list", status=503)
    services.send_due_payouts()
    assert Payout.objects.get().status == "due"
    assert owed(teacher) == 0
    monkeypatch.undo()
    assert send_again().status == "failed"
    assert owed(teacher) == Decimal("28.00")


def test_a_transfer_by_hand_in_its_group_is_not_taken_for_it(
    payout: Payout, standin: StandIn
) -> None:
    payouts.stripe_connect.ask_stripe(
        lambda client: client.v1.transfers.create(
            {
                "amount": 1,
                "currency": "usd",
                "destination": str(payout.account.stripe_account_id),
                "transfer_group": f"payout-{payout.id}",
            }
        )
    )
    assert send_again().status == "paid"
    assert len(made()) == 2


def made() -> list[str]:
    page = payouts.stripe_connect.ask_stripe(lambda client: client.v1.transfers.list())
    return [transfer.id for transfer in page.data]


# --- Trouble is told -----------------------------------------------------------------------------


def test_staff_hear_of_a_payout_that_stripe_refused(
    payout: Payout, teacher: User, standin: StandIn, admin_client: Any
) -> None:
    standin.limit_balance(0)
    services.send_due_payouts()
    assert told() == [("payments.payout_failed", {"payout_id": str(payout.id)})]
    listed = admin_client.get("/admin/payments/payout/?trouble=yes").content.decode()
    assert teacher.email in listed
    assert "balance_insufficient" in listed
    services.send_due_payouts()
    assert len(told()) == 1


def test_an_account_that_stripe_restricted_is_not_tried_daily(
    payout: Payout, teacher: User, standin: StandIn
) -> None:
    """Its account.updated never came."""
    PayoutAccount.objects.update(is_ready=True)
    standin.onboard(str(payout.account.stripe_account_id), ready=False)
    services.send_due_payouts()
    assert "insufficient_capabilities" in Payout.objects.get().last_error
    assert not PayoutAccount.objects.get().is_ready
    Payout.objects.update(updated_at=timezone.now() - dt.timedelta(days=2))
    assert services.plan_payouts() == 0
    assert owed(teacher) == Decimal("28.00")


def test_an_account_that_stripe_took_from_us_is_known_as_such(
    account: PayoutAccount, teacher: User
) -> None:
    """Stripe forbids to look at it (403): asking again later would not help."""
    PayoutAccount.objects.update(stripe_account_id="acct_1NobodyKnowsThis00")
    with pytest.raises(StripeNotFound):
        stripe_connect.retrieve_account(account_id="acct_1NobodyKnowsThis00")
    services.start_onboarding(user_id=teacher.id, email=teacher.email, country="")
    account.refresh_from_db()
    assert account.stripe_account_id != "acct_1NobodyKnowsThis00"


def test_staff_hear_of_money_that_was_taken_back(payout: Payout, standin: StandIn) -> None:
    services.send_due_payouts()
    assert told() == []
    transfer = str(Payout.objects.get().stripe_transfer_id)
    standin.reverse_transfer(transfer, 800)
    part = stripe_connect.retrieve_transfer(transfer_id=transfer)
    standin.reverse_transfer(transfer)
    whole = stripe_connect.retrieve_transfer(transfer_id=transfer)
    for facts in (part, part, whole, part, whole):
        services.sync_transfer(facts=facts)
    name, of_it = "payments.payout_taken_back", {"payout_id": str(payout.id)}
    assert told() == [(name, of_it | {"amount": amount}) for amount in ("8.00", "28.00")]
    after = Payout.objects.get()
    assert (after.status, after.last_error) == ("failed", "Taken back at Stripe: 28.00")


def test_what_is_told_at_once_of_money_taken_back_is_booked_once(
    payout: Payout, teacher: User, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has read what came back before; without the account's lock both would book it."""
    services.send_due_payouts()
    facts = stripe_connect.find_transfer(payout_id=str(payout.id))
    assert facts is not None
    look = payout_ledger._returned_before

    def look_and_meet(of: Payout) -> Decimal:
        before = look(of)
        meet()
        return before

    monkeypatch.setattr(payout_ledger, "_returned_before", look_and_meet)
    told_of = [replace(facts, amount_reversed=amount) for amount in (800, 2000)]
    at_once(*[partial(services.sync_transfer, facts=one) for one in told_of])
    assert owed(teacher) == Decimal("20.00")


def test_news_that_is_none_leaves_a_payout_as_it_is(payout: Payout, standin: StandIn) -> None:
    """Else each would begin a failed one's pause anew."""
    services.send_due_payouts()
    transfer = str(Payout.objects.get().stripe_transfer_id)
    standin.reverse_transfer(transfer)
    facts = stripe_connect.retrieve_transfer(transfer_id=transfer)
    services.sync_transfer(facts=facts)
    before = Payout.objects.get().updated_at
    services.sync_transfer(facts=facts)
    assert Payout.objects.get().updated_at == before


def test_payouts_in_trouble_are_measured(payout: Payout, standin: StandIn) -> None:
    def measured() -> set[str]:
        text = collect_metrics().decode()
        return {line for line in text.splitlines() if line.startswith("learnflow_payouts_in_")}

    assert measured() == {
        'learnflow_payouts_in_trouble{status="due"} 0.0',
        'learnflow_payouts_in_trouble{status="failed"} 0.0',
    }
    standin.fault("refuse", "*", status=503)
    services.send_due_payouts()
    assert 'learnflow_payouts_in_trouble{status="due"} 1.0' in measured()
    standin.limit_balance(0)
    assert send_again().status == "failed"
    assert 'learnflow_payouts_in_trouble{status="failed"} 1.0' in measured()
    Payout.objects.update(updated_at=timezone.now() - dt.timedelta(days=8))
    assert 'learnflow_payouts_in_trouble{status="failed"} 0.0' in measured()


# --- Onboarding ----------------------------------------------------------------------------------


def test_onboarding_waits_for_stripe_once(
    sale: Payment, teacher: User, standin: StandIn, settings: Any
) -> None:
    """However many calls it takes, a client has its answer within the deadline."""
    settings.STRIPE_DEADLINE_SECONDS = 15.0
    standin.fault("hang", "accounts.create", seconds=0.7)
    standin.fault("hang", "account_links.create", seconds=60)
    client = APIClient()
    client.force_authenticate(teacher)
    answer = client.post("/api/v1/instructor/payout-account/", {})
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "PAYMENTS_UNAVAILABLE"
    account = PayoutAccount.objects.get()
    assert account.stripe_account_id
    standin.clear_faults()
    settings.STRIPE_DEADLINE_SECONDS = 60.0
    assert client.post("/api/v1/instructor/payout-account/", {}).status_code == 200
    assert standin.counts()["accounts.create"] == 1


def test_looking_at_an_account_waits_no_longer(
    sale: Payment, teacher: User, standin: StandIn, settings: Any
) -> None:
    settings.STRIPE_DEADLINE_SECONDS = 0.5
    PayoutAccount.objects.create(instructor=teacher, stripe_account_id="acct_1")
    standin.fault("hang", "accounts.retrieve", seconds=8)
    row = services.look_at_payout_account(user_id=teacher.id)
    assert row["exists"]
    assert standin.counts().get("accounts.retrieve", 0) == 0, "it still hangs"


def test_nothing_is_booked_of_a_payout_twice(payout: Payout) -> None:
    services.send_due_payouts()
    facts = stripe_connect.find_transfer(payout_id=str(payout.id))
    assert facts is not None
    services.sync_transfer(facts=facts)
    assert LedgerTransaction.objects.filter(payout=payout).count() == 2
