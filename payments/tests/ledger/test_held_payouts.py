"""Whom an open difference is about isn't paid until it is resolved; everybody else is."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from core.models import OutboxEvent
from payments import books, services
from payments.events import PayoutsHeld
from payments.ledger import balances
from payments.models import Payment, Payout, PayoutAccount, ReconciliationRun
from payments.models import ReconciliationDifference as Difference
from payments.selectors.concerned import find_earners
from payments.services import payouts, verification
from payments.services.differences import record_look
from payments.services.matching import Found, _differ_in_dispute
from payments.services.matching_transfers import _differ
from payments.stripe_connect import TransferFacts
from payments.tests.ledger.conftest import Sell, add_dispute, add_refund, items_of
from payments.tests.money import dispute_facts
from tests.emptying import unguarded
from users.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _connected(settings) -> None:
    settings.STRIPE_SECRET_KEY = "sk_test_x"
    settings.STRIPE_CONNECT = True
    settings.EARNINGS_HOLD = dt.timedelta(0)
    settings.PAYOUT_MINIMUM = Decimal(1)


@pytest.fixture
def run() -> ReconciliationRun:
    return ReconciliationRun.objects.create(since=timezone.now())


@pytest.fixture
def sale(sell: Sell) -> Payment:
    """A course of Ann's, who is owed 28.00."""
    return sell("40.00")


@pytest.fixture
def ann(sale: Payment) -> User:
    return teacher(sale, 0)


@pytest.fixture
def bob(sell: Sell, ann: User) -> User:
    """Who is owed 7.00 of an order that Ann has a part in, too."""
    both = sell("1.00", "10.00")
    return teacher(both, 1)


def teacher(payment: Payment, place: int) -> User:
    instructor = items_of(payment)[place].instructor
    assert instructor is not None
    PayoutAccount.objects.get_or_create(
        instructor=instructor,
        defaults={"stripe_account_id": f"acct_{instructor.id}", "is_ready": True},
    )
    return instructor


def find(run: ReconciliationRun, object_type: str, object_id: str, *found: Found) -> None:
    record_look(run=run, object_type=object_type, object_id=object_id, before=found, left=found)


def differ(run: ReconciliationRun, payment: Payment) -> None:
    """A difference about the payment that nothing heals."""
    found = Found(kind=Difference.Kind.AMOUNT, ours="40.00", theirs="30.00")
    find(run, "payment_intent", payment.stripe_payment_id, found)


def paid_to() -> set[User]:
    return {payout.account.instructor for payout in Payout.objects.all()}


def test_whom_a_difference_is_about_waits_and_others_are_paid(
    run: ReconciliationRun, sale: Payment, ann: User, bob: User
) -> None:
    differ(run, sale)
    assert services.plan_payouts() == 1
    assert paid_to() == {bob}
    assert services.plan_payouts() == 0
    find(run, "payment_intent", sale.stripe_payment_id)
    assert services.plan_payouts() == 1
    assert paid_to() == {ann, bob}


def test_what_was_planned_before_is_not_sent(
    run: ReconciliationRun, sale: Payment, ann: User
) -> None:
    services.plan_payouts()
    differ(run, sale)
    with pytest.raises(payouts.PayoutHeld):
        payouts._send(Payout.objects.get())


@pytest.mark.parametrize("known", [False, True], ids=["lost", "given up"])
def test_who_got_a_transfer_that_is_not_here_is_not_paid_again(
    run: ReconciliationRun, ann: User, bob: User, known: bool
) -> None:
    account = PayoutAccount.objects.get(instructor=ann)
    if known:
        made = Payout.objects.create(
            account=account, amount=5, currency="usd", status="failed",
            next_attempt_at=timezone.now() - dt.timedelta(days=3),
        )  # fmt: skip
        Payout.objects.update(updated_at=timezone.now() - dt.timedelta(days=3))
    theirs = TransferFacts(
        id="tr_lost", amount=500, amount_reversed=0, currency="usd",
        payout_id=str(made.id if known else run.id),
        destination="" if known else account.stripe_account_id or "",
    )  # fmt: skip
    find(run, "transfer", "tr_lost", *_differ(theirs, None))
    services.plan_payouts()
    assert bob in paid_to()
    assert not Payout.objects.filter(account=account, status="due").exists()


def test_books_that_are_broken_about_somebody_hold_theirs(
    run: ReconciliationRun, ann: User, bob: User
) -> None:
    services.fold_balances()
    with unguarded(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE payments_balancechange SET amount = amount - 500 WHERE instructor_id = %s",
            [ann.id],
        )
    assert balances.get_payable(instructor_id=ann.id) > 500
    books.verify_balances(on_found=lambda broken: verification._keep(run, broken))
    assert Difference.objects.get().earners == [str(ann.id)]
    services.plan_payouts()
    assert paid_to() == {bob}


def test_whom_one_was_about_it_is_about_until_it_is_resolved(
    run: ReconciliationRun, sale: Payment, ann: User, bob: User
) -> None:
    """Each turn of a run sees a part of what breaks an invariant."""
    for person in (ann, bob):
        found = Found(kind=Difference.Kind.BOOKS, ours="x", theirs="y", concerns=(str(person.id),))
        find(run, "books", "payout_was_earned", found)
    assert sorted(Difference.objects.get().earners) == sorted([str(ann.id), str(bob.id)])
    assert services.plan_payouts() == 0


def test_a_dispute_in_another_currency_holds_nothing(sale: Payment, ann: User) -> None:
    """It differs for good, and staff were shown it."""
    ours = add_dispute(sale, "40.00")
    facts = replace(dispute_facts(sale, ours.status), currency="eur")
    assert {one.holds for one in _differ_in_dispute(facts, ours)} == {False}
    facts = replace(dispute_facts(sale, ours.status), amount=1)
    assert {one.holds for one in _differ_in_dispute(facts, ours)} == {True}


def test_one_that_is_refused_keeps_nobody_else_from_theirs(
    ann: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody wrote to the balances between the look at them and the commit."""
    post = payouts.ledger.post_payout

    def post_and_look(*, payout: Payout) -> bool:
        if payout.account.instructor == ann:
            payout.amount += Decimal("0.01")
        done = post(payout=payout)
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        return done

    monkeypatch.setattr(payouts.ledger, "post_payout", post_and_look)
    assert services.plan_payouts() == 1
    assert paid_to() == {bob}


def test_it_is_told_once(run: ReconciliationRun, sale: Payment, ann: User) -> None:
    differ(run, sale)
    differ(run, sale)
    assert OutboxEvent.objects.filter(name=PayoutsHeld.name).count() == 1


@pytest.mark.parametrize(
    "name",
    [
        "{payment.id}", "{payment.stripe_payment_id}", "sale:{payment.id}", "{order.id}",
        "{order.order_number}", "{item.id}", "{refund.id}", "{refund.stripe_refund_id}",
        "refund:{refund.id}", "{dispute.stripe_dispute_id}", "{item.instructor_id}",
    ],
)  # fmt: skip
def test_whom_a_name_is_about(sale: Payment, ann: User, name: str) -> None:
    told = name.format(
        payment=sale, order=sale.order, item=items_of(sale)[0], refund=add_refund(sale, "1.00"),
        dispute=add_dispute(sale, "1.00"),
    )  # fmt: skip
    assert find_earners(names=[told]) == {ann.id}


def test_what_names_nothing_is_about_nobody(sale: Payment, ann: User) -> None:
    assert find_earners(names=["usd", "", "guards_are_in_force", str(timezone.now())]) == set()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE payments_reconciliationdifference SET earners = '[]'",
        "UPDATE payments_reconciliationdifference SET earners = '[\"somebody else\"]'",
        "UPDATE payments_reconciliationdifference SET earners = '[]', resolved_at = now()",
        "DELETE FROM payments_reconciliationdifference",
        "TRUNCATE payments_reconciliationdifference",
    ],
)
def test_whom_an_open_difference_holds_stays(run: ReconciliationRun, change: str) -> None:
    row = Difference.objects.create(
        kind="books", object_type="books", object_id="x", earners=["somebody"], found_by=run,
        last_seen_at=timezone.now(),
    )  # fmt: skip
    with connection.cursor() as cursor:
        # What is deferred has to be over before a table is emptied.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    with (
        pytest.raises(DatabaseError, match="holds stays until it is resolved"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(change)
    row.earners = ["somebody", "somebody else"]
    row.save()
    row.resolved_at = timezone.now()
    row.save()
    row.delete()
