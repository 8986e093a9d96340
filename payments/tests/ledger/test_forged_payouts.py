"""A payout that is due moves money: nobody makes one, or makes more of one, by SQL."""

import datetime as dt
import uuid
from contextlib import nullcontext
from decimal import Decimal

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from devtools.stripe_standin.client import StandIn
from payments import ledger, services
from payments.ledger import payouts as postings
from payments.models import LedgerEntry, LedgerTransaction, Payment, Payout, PayoutAccount
from payments.tests.ledger.conftest import Sell, add_refund, teacher_of
from payments.tests.ledger.test_payout_trouble import onboard
from tests.emptying import unguarded
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _connected(settings, standin: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.STRIPE_CONNECT = True
    settings.EARNINGS_HOLD = dt.timedelta(0)
    monkeypatch.setattr("payments.services.payout_accounts.FRESH", dt.timedelta(0))


@pytest.fixture
def sale(sell: Sell) -> Payment:
    """A sale of which its instructor can be paid 28.00."""
    return sell("40.00")


@pytest.fixture
def account(sale: Payment, standin: StandIn) -> PayoutAccount:
    """The instructor's account, onboarded."""
    return onboard(teacher_of(sale), standin)


@pytest.fixture
def payout(account: PayoutAccount) -> Payout:
    assert services.plan_payouts() == 1
    return Payout.objects.get()


def run(statement: str, *, past_guards: bool = False) -> None:
    with unguarded() if past_guards else nullcontext(), connection.cursor() as cursor:
        cursor.execute(statement)


def insert(account: PayoutAccount, *, amount: str = "5000") -> str:
    return (
        "INSERT INTO payments_payout (id, created_at, updated_at, account_id, amount, currency,"
        f" destination, status, attempts, next_attempt_at, last_error) VALUES ('{uuid.uuid4()}',"
        f" now(), now(), '{account.id}', {amount}, 'usd', '', 'due', 0, now(), '')"
    )


def test_a_payout_without_its_movement_is_refused(account: PayoutAccount) -> None:
    with pytest.raises(IntegrityError, match="is not booked as it is"):
        run(insert(account))
    assert not Payout.objects.exists()


@pytest.mark.parametrize(
    "booked", [{"amount": Decimal("27.99")}, {"currency": "eur"}, {"account": None}], ids=str
)
def test_nor_is_one_taken_that_is_booked_otherwise(
    account: PayoutAccount, booked: dict[str, object], sell: Sell
) -> None:
    def plan() -> None:
        with transaction.atomic():
            payout = Payout.objects.create(
                account=account, amount="28.00", currency="usd", next_attempt_at=timezone.now()
            )
            row = LedgerTransaction.objects.create(
                kind="payout", reference=f"payout:{payout.id}", occurred_at=timezone.now(),
                currency=str(booked.get("currency", "usd")), payout=payout,
            )  # fmt: skip
            amount = Decimal(str(booked.get("amount", "28.00")))
            if "account" in booked:
                LedgerEntry.objects.create(transaction=row, account="stripe", amount=amount)
            else:
                LedgerEntry.objects.create(
                    transaction=row, account="instructor", amount=amount,
                    instructor_id=account.instructor_id, available_at=timezone.now(),
                )  # fmt: skip
            LedgerEntry.objects.create(transaction=row, account="payouts", amount=-amount)

    with pytest.raises(IntegrityError, match="is not booked as it is"):
        plan()


@pytest.mark.parametrize(
    "change",
    [
        "amount = 5000", "currency = 'eur'", "destination = 'acct_forger'", "destination = ''",
        "id = gen_random_uuid()",
    ],
)  # fmt: skip
def test_a_payout_stays_what_was_planned(payout: Payout, change: str) -> None:
    with pytest.raises(IntegrityError, match="is what was planned"):
        run(f"UPDATE payments_payout SET {change}")


def test_it_stays_its_accounts(payout: Payout) -> None:
    other = PayoutAccount.objects.create(instructor=UserFactory.create())
    with pytest.raises(IntegrityError, match="is what was planned"):
        run(f"UPDATE payments_payout SET account_id = '{other.id}'")


@pytest.mark.parametrize("ended", ["paid", "failed"])
def test_what_is_over_is_not_due_again(payout: Payout, standin: StandIn, ended: str) -> None:
    if ended == "failed":
        standin.limit_balance(100)
    services.send_due_payouts()
    payout.refresh_from_db()
    assert payout.status == ended
    with pytest.raises(IntegrityError, match="is what was planned"):
        run("UPDATE payments_payout SET status = 'due'")


def test_where_it_goes_may_be_said_once(payout: Payout) -> None:
    run("UPDATE payments_payout SET destination = ''", past_guards=True)
    run("UPDATE payments_payout SET destination = 'acct_1'")
    payout.refresh_from_db()
    assert payout.destination == "acct_1"


@pytest.mark.parametrize("change", ["amount = 5000", "currency = 'eur'"])
def test_what_was_changed_past_the_guards_is_not_sent(
    payout: Payout, standin: StandIn, change: str
) -> None:
    run(f"UPDATE payments_payout SET {change}", past_guards=True)
    assert services.send_due_payouts() == 1
    payout.refresh_from_db()
    assert payout.status == "due"
    assert payout.last_error.startswith("PayoutNotBooked")
    assert "transfers.create" not in standin.counts()


def test_what_was_made_past_the_guards_is_not_sent(
    account: PayoutAccount, standin: StandIn
) -> None:
    run(insert(account), past_guards=True)
    assert services.send_due_payouts() == 1
    assert Payout.objects.get().status == "due"
    assert Payout.objects.exclude(last_error="").count() == 1, "staff see it"
    assert "transfers.create" not in standin.counts()


def test_an_honest_one_is_sent(payout: Payout) -> None:
    assert postings.is_booked_as_planned(payout=payout)
    assert services.send_due_payouts() == 1
    payout.refresh_from_db()
    assert payout.status == "paid"


def plan(
    account: PayoutAccount, amount: str, at: dt.datetime | None = None, currency: str = "usd"
) -> Payout:
    """Plan and book a payout as the product does, of whatever amount."""
    at = at or timezone.now()
    payout = Payout.objects.create(
        account=account, amount=Decimal(amount), currency=currency, next_attempt_at=timezone.now(),
        destination=account.stripe_account_id or "",
    )  # fmt: skip
    Payout.objects.filter(id=payout.id).update(created_at=at)
    payout.refresh_from_db()
    with time_machine.travel(at, tick=False):
        postings.post_payout(payout=payout)
    return payout


def hold(sale: Payment, *, until: dt.datetime) -> None:
    """Let what the sale earned be held, in all copies."""
    with unguarded(), connection.cursor() as cursor:
        for change in (
            "UPDATE payments_ledgerentry SET available_at = %s WHERE account = 'instructor'",
            "UPDATE payments_saleline SET available_at = %s",
            "UPDATE payments_balancechange SET held_until = %s WHERE account = 'instructor'",
        ):
            cursor.execute(change, [until])


def test_earnings_that_are_held_are_not_paid_out(sale: Payment, account: PayoutAccount) -> None:
    hold(sale, until=timezone.now() + dt.timedelta(days=1))
    with pytest.raises(IntegrityError, match="more than is owed"), transaction.atomic():
        plan(account, "28.00")
    assert services.plan_payouts() == 0


@pytest.mark.parametrize("days", [0, 2], ids=["dated honestly", "dated ahead"])
def test_nor_are_they_sent_when_that_was_written_past_the_guards(
    sale: Payment, account: PayoutAccount, standin: StandIn, days: int
) -> None:
    hold(sale, until=timezone.now() + dt.timedelta(days=1))
    with unguarded():
        payout = plan(account, "28.00", at=timezone.now() + dt.timedelta(days=days))
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO payments_balancechange (currency, account, instructor_id, amount,"
                " entries, sales, sold, sent) VALUES ('usd', 'instructor', %s, 28, 1, 0, 0, 28)",
                [account.instructor_id],
            )
    assert services.send_due_payouts() == 1
    payout.refresh_from_db()
    assert payout.status == "due"
    assert payout.last_error.startswith("PayoutNotEarned")
    assert "transfers.create" not in standin.counts()


def test_earnings_in_one_currency_pay_nothing_in_another(
    sale: Payment, account: PayoutAccount, standin: StandIn
) -> None:
    with unguarded():
        payout = plan(account, "28.00", currency="eur")
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO payments_balancechange (currency, account, instructor_id, amount,"
                " entries, sales, sold, sent) VALUES ('eur', 'instructor', %s, 28, 1, 0, 0, 28)",
                [account.instructor_id],
            )
    services.send_due_payouts()
    payout.refresh_from_db()
    assert payout.last_error.startswith("PayoutNotEarned")
    assert "transfers.create" not in standin.counts()


def test_what_was_refunded_since_does_not_stop_one(
    sale: Payment, payout: Payout, standin: StandIn
) -> None:
    """It was owed when it was planned; what is taken since is carried forward."""
    with transaction.atomic():
        ledger.post_refund(refund=add_refund(sale, "40.00"))
    assert services.send_due_payouts() == 1
    payout.refresh_from_db()
    assert payout.status == "paid"
