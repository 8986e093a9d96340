"""The comparison with Stripe: it heals what webhooks would have, and keeps the rest in sight."""

import datetime as dt
import io
import uuid
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

from core.metrics import collect_metrics
from devtools.stripe_standin.client import StandIn
from orders.models import Order
from payments import books, services, stripe_gateway
from payments.doctor import check_money
from payments.errors import PaymentsUnavailable
from payments.models import (
    BookTouch,
    Dispute,
    Payment,
    ReconciliationDifference,
    ReconciliationRun,
    Refund,
)
from payments.services import comparing, comparison, lookups, matching, verification
from payments.services import differences as differences_service
from payments.services.differences import record_look
from payments.stripe_gateway import StripeNotFound
from payments.tests.conftest import Pay, confirm, start_payment
from payments.tests.test_parking import pay_at_stripe
from tests.emptying import unguarded
from tests.factories import OrderFactory, StaffFactory
from tests.parallel import at_once, meet

pytestmark = pytest.mark.django_db(transaction=True)


def compare(**ago: int) -> ReconciliationRun:
    since = timezone.now() - dt.timedelta(**(ago or {"hours": 1}))
    return services.compare_now(since=since, on_progress=lambda run: None)


def differences(*, is_open: bool) -> set[tuple[str, str]]:
    rows = ReconciliationDifference.objects.filter(resolved_at__isnull=is_open)
    return set(rows.values_list("object_type", "kind"))


@pytest.fixture
def settled(order: Order, standin: StandIn, pay: Pay) -> Payment:
    """A paid and settled order's payment."""
    intent = start_payment(order)
    pay(intent)
    confirm(order, intent)
    return Payment.objects.get()


@pytest.fixture
def unheard(order: Order, standin: StandIn, pay: Pay) -> Order:
    """An order paid, partly refunded and disputed at Stripe, of which nothing reached us."""
    intent = start_payment(order)
    pay(intent)
    stripe_gateway.create_refund(
        intent_id=intent.payment_intent_id, amount=1000, refund_id="", idempotency_key="dash"
    )
    standin.open_dispute(payment_intent=intent.payment_intent_id)
    Payment.objects.all().delete()
    return order


def test_whatever_was_missed_is_healed(unheard: Order) -> None:
    run = compare()
    unheard.refresh_from_db()
    assert (unheard.status, unheard.refunded_amount) == ("completed", Decimal("10.00"))
    assert Dispute.objects.get().status == "needs_response"
    assert (run.payments_compared, run.refunds_compared, run.disputes_compared) == (1, 1, 1)
    assert run.differences_healed == 2  # the refund came with its payment
    assert differences(is_open=True) == set()
    assert differences(is_open=False) == {
        ("payment_intent", "missing_here"), ("dispute", "missing_here")
    }  # fmt: skip
    assert set(ReconciliationDifference.objects.values_list("healed", flat=True)) == {True}
    assert run.totals == {
        "usd": {
            "captured_here": "99.98", "captured_there": "99.98",
            "refunded_here": "10.00", "refunded_there": "10.00",
        }
    }  # fmt: skip
    again = compare()
    assert (again.differences_healed, again.totals) == (0, run.totals)


def test_a_refund_that_was_missed_is_healed(settled: Payment) -> None:
    stripe_gateway.create_refund(
        intent_id=settled.stripe_payment_id, amount=9998, refund_id="", idempotency_key="dash"
    )
    compare()
    settled.order.refresh_from_db()
    assert settled.order.status == "refunded"
    assert differences(is_open=True) == set()
    assert ("payment_intent", "refunded") in differences(is_open=False)


@pytest.mark.parametrize("what", ["refund", "dispute"])
def test_what_was_erased_here_is_told_as_long_as_it_is_in_the_window(
    settled: Payment, standin: StandIn, what: str
) -> None:
    """With its note, its movements and what they were: but Stripe has it."""
    if what == "refund":
        stripe_gateway.create_refund(
            intent_id=settled.stripe_payment_id, amount=9998, refund_id="", idempotency_key="dash"
        )
    else:
        standin.open_dispute(payment_intent=settled.stripe_payment_id)
    compare()
    ReconciliationDifference.objects.all().delete()
    with unguarded(), connection.cursor() as cursor:
        of = f"SELECT id FROM payments_ledgertransaction WHERE {what}_id IS NOT NULL"
        cursor.execute(f"DELETE FROM payments_ledgerentry WHERE transaction_id IN ({of})")
        cursor.execute(f"DELETE FROM payments_ledgertransaction WHERE {what}_id IS NOT NULL")
        cursor.execute("DELETE FROM orders_creditnote")
        cursor.execute(f"DELETE FROM payments_{what}")
    compare()
    assert (what, "missing_here") in differences(is_open=True) | differences(is_open=False)


def test_a_decision_on_an_old_dispute_is_healed(settled: Payment, standin: StandIn) -> None:
    at_stripe = standin.open_dispute(payment_intent=settled.stripe_payment_id)
    compare()
    Dispute.objects.update(opened_at=timezone.now() - dt.timedelta(days=60))
    standin.close_dispute(at_stripe["id"], "won")
    services.compare_now(since=timezone.now(), on_progress=lambda run: None)
    assert Dispute.objects.get().status == "won"


def test_what_cannot_be_healed_is_open_once_until_it_is_gone(settled: Payment) -> None:
    Payment.objects.update(amount=Decimal("1.00"))
    compare()
    row = ReconciliationDifference.objects.get(object_type="payment_intent")
    assert (row.kind, row.ours, row.theirs) == ("amount", "1.00", "99.98")
    compare()
    seen_again = ReconciliationDifference.objects.get(object_type="payment_intent")
    assert seen_again.id == row.id
    assert seen_again.last_seen_at > row.last_seen_at
    assert seen_again.resolved_at is None

    Payment.objects.update(amount=Decimal("99.98"))
    # Outside the window of this run, and looked at all the same.
    services.compare_now(since=timezone.now(), on_progress=lambda run: None)
    row.refresh_from_db()
    assert (row.resolved_at is not None, row.healed) == (True, False)
    assert differences(is_open=True) == set()


def test_an_open_difference_is_one_row_whoever_writes_it(settled: Payment) -> None:
    Payment.objects.update(amount=Decimal("1.00"))
    compare()
    row = ReconciliationDifference.objects.get(object_type="payment_intent")
    row.id = uuid.uuid4()
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save(force_insert=True)


def test_runs_at_once_open_a_difference_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has seen that there is no such row before any of them writes it."""
    monkeypatch.setattr(differences_service, "_update", lambda *given: meet())
    run = ReconciliationRun.objects.create(since=timezone.now())
    found = [matching.Found(kind=matching.Kind.AMOUNT, ours="1", theirs="2")]

    def write() -> int:
        return record_look(
            run=run, object_type="refund", object_id="re_1", before=found, left=found
        )

    assert at_once(*[write] * 8) == [0] * 8
    assert ReconciliationDifference.objects.count() == 1


@pytest.mark.parametrize(
    ("field", "value", "kind"),
    [
        ("currency", "eur", "currency"), ("status", "pending", "status"),
        ("stripe_charge_id", "ch_other", "charge"),
    ],
)  # fmt: skip
def test_each_kind_of_difference_is_told(
    settled: Payment, monkeypatch: pytest.MonkeyPatch, field: str, value: str, kind: str
) -> None:
    Payment.objects.update(**{field: value})
    monkeypatch.setattr(comparing, "_heal", lambda subject, object_id: None)
    compare()
    assert ("payment_intent", kind) in differences(is_open=True)


def test_a_payment_of_another_order_is_told(settled: Payment) -> None:
    Payment.objects.update(order=OrderFactory.create())
    compare()
    assert ("payment_intent", "order") in differences(is_open=True)
    Payment.objects.update(order=settled.order)
    compare()
    assert ("payment_intent", "order") not in differences(is_open=True)


def test_a_workers_time_that_is_up_ends_the_healing(
    unheard: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    def take_too_long(**_: Any) -> None:
        raise SoftTimeLimitExceeded

    monkeypatch.setattr(lookups, "settle", take_too_long)
    with pytest.raises(SoftTimeLimitExceeded):
        compare()


def test_money_we_have_and_stripe_does_not_is_told(settled: Payment, standin: StandIn) -> None:
    standin.reset()
    compare()
    assert differences(is_open=True) >= {("payment_intent", "missing_at_stripe")}
    row = ReconciliationDifference.objects.get(object_type="payment_intent")
    assert (row.ours, row.theirs) == ("succeeded", "")


def test_sales_that_were_never_at_this_stripe_are_not_looked_for(
    settled: Payment, standin: StandIn
) -> None:
    stripe_gateway.create_refund(
        intent_id=settled.stripe_payment_id, amount=1000, refund_id="", idempotency_key="dash"
    )
    compare()
    Payment.objects.update(metadata={"at_stripe": False})
    standin.reset()
    run = compare()
    assert differences(is_open=True) == set()
    assert (run.payments_compared, run.refunds_compared) == (0, 0)


def test_none_is_exempt_where_no_data_is_invented(
    settled: Payment, standin: StandIn, settings: Any
) -> None:
    stripe_gateway.create_refund(
        intent_id=settled.stripe_payment_id, amount=1000, refund_id="", idempotency_key="dash"
    )
    compare()
    Payment.objects.update(metadata={"at_stripe": False})
    standin.reset()
    settings.INVENTED_DATA_ALLOWED = False
    compare()
    assert differences(is_open=True) >= {
        ("payment_intent", "missing_at_stripe"), ("refund", "missing_at_stripe"),
        ("account", "missing_at_stripe"),
    }  # fmt: skip
    told = ReconciliationDifference.objects.get(object_type="account")
    assert (told.object_id, told.ours) == ("exempt", "1 payments are exempt, over 99.98")
    Payment.objects.update(created_at=timezone.now() - dt.timedelta(days=90))
    compare()
    assert ("account", "missing_at_stripe") in differences(is_open=True)
    Payment.objects.update(metadata={})
    compare()
    assert ("account", "missing_at_stripe") not in differences(is_open=True)


@pytest.mark.parametrize(("may_be", "verdict"), [(True, "NOTE"), (False, "WRONG")])
def test_the_doctor_says_how_many_are_exempt(
    settled: Payment, settings: Any, may_be: bool, verdict: str
) -> None:
    settings.INVENTED_DATA_ALLOWED = may_be
    Payment.objects.update(metadata={"at_stripe": False})
    told = {finding.name: finding for finding in check_money()}["payments never at Stripe"]
    assert told.verdict.name == verdict
    assert told.words.startswith("1 payments are exempt, over 99.98")


def test_an_open_payment_stripe_does_not_know_is_given_up(order: Order, standin: StandIn) -> None:
    start_payment(order)
    standin.reset()
    compare()
    assert Payment.objects.get().status == "failed"
    assert differences(is_open=True) == set()


def test_money_for_an_order_that_is_not_here_is_told(standin: StandIn) -> None:
    pay_at_stripe(standin, str(uuid.uuid4()))
    compare()
    assert differences(is_open=True) == {("payment_intent", "missing_here")}


def test_what_somebody_else_sells_by_this_account_is_none_of_ours(standin: StandIn) -> None:
    intent = pay_at_stripe(standin, "invoice 17 of another shop")
    stripe_gateway.create_refund(
        intent_id=intent["id"], amount=100, refund_id="", idempotency_key="theirs"
    )
    standin.open_dispute(payment_intent=intent["id"])
    run = compare()
    assert not ReconciliationDifference.objects.exists()
    assert (run.differences_healed, run.totals) == (0, {})


def test_what_a_list_told_too_early_is_no_difference(
    settled: Payment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A webhook is handled between Stripe's list and our look at the rows."""
    page = stripe_gateway.list_intents(since=timezone.now() - dt.timedelta(hours=1))
    old = [replace(facts, status="processing", amount_refunded=5) for facts in page.items]
    subject = matching.Subject(
        **{**vars(matching.INTENTS), "list_page": lambda **given: replace(page, items=old)}
    )
    monkeypatch.setitem(comparison._BY_NAME, "payment_intent", subject)
    assert compare().payments_compared == 1
    assert not ReconciliationDifference.objects.exists()


def test_one_that_cannot_be_looked_up_holds_up_no_other(
    order: Order, standin: StandIn, pay: Pay, monkeypatch: pytest.MonkeyPatch
) -> None:
    intent = start_payment(order)
    pay(intent)
    pay_at_stripe(standin, str(uuid.uuid4()))
    real, calls = comparing.INTENTS.heal, []

    def fail_once(intent_id: str) -> None:
        calls.append(intent_id)
        if intent_id != intent.payment_intent_id:
            raise ValueError("a bug")
        real(intent_id)

    subject = matching.Subject(**{**vars(matching.INTENTS), "heal": fail_once})
    monkeypatch.setitem(comparison._BY_NAME, "payment_intent", subject)
    compare()
    order.refresh_from_db()
    assert order.status == "completed"
    assert differences(is_open=True) == {("payment_intent", "missing_here")}


def test_broken_books_are_a_difference_until_they_are_mended(settled: Payment) -> None:
    Order.objects.update(refunded_amount=Decimal("1.00"))
    compare()
    assert differences(is_open=True) == {("books", "books")}
    row = ReconciliationDifference.objects.get()
    assert (row.object_id, "refunded_amount=1.00" in row.ours) == ("order_refunds_add_up", True)
    Order.objects.update(refunded_amount=0)
    compare()
    assert differences(is_open=True) == set()


# --- The daily run ------------------------------------------------------------------------------


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """One step a turn, three objects a page."""
    monkeypatch.setattr(comparison, "SLICE_SECONDS", 0.0)
    monkeypatch.setattr(stripe_gateway, "PAGE_SIZE", 3)


def turns() -> int:
    """Work on the daily run as beat does until there is nothing to do; returns how many turns."""
    count = 0
    while services.compare_when_due():
        count += 1
        assert count < 100
    return count


def test_the_daily_run_goes_on_page_by_page(standin: StandIn, small_steps: None) -> None:
    for _ in range(7):
        pay_at_stripe(standin, str(uuid.uuid4()))
    # Pages of intents, refunds, disputes, transfers, open ones, our account, its balance, books.
    assert turns() == 3 + 1 + 1 + 1 + 1 + 1 + 1 + 1
    run = ReconciliationRun.objects.get()
    assert (run.payments_compared, run.error) == (7, "")
    assert run.finished_at is not None
    assert ReconciliationDifference.objects.filter(resolved_at=None).count() == 7


def test_a_killed_worker_costs_a_lease(standin: StandIn, small_steps: None) -> None:
    for _ in range(4):
        pay_at_stripe(standin, str(uuid.uuid4()))
    services.compare_when_due()
    killed = comparison._claim()
    assert killed is not None
    assert not services.compare_when_due(), "somebody may still be at it"
    ReconciliationRun.objects.update(leased_until=timezone.now())
    turns()
    run = ReconciliationRun.objects.get()
    assert (run.payments_compared, run.finished_at is not None) == (4, True)


def test_while_stripe_is_away_the_run_waits_where_it_stands(
    standin: StandIn, small_steps: None
) -> None:
    for _ in range(4):
        pay_at_stripe(standin, str(uuid.uuid4()))
    services.compare_when_due()
    standin.fault("refuse", "payment_intents.list", status=503)
    assert services.compare_when_due()
    run = ReconciliationRun.objects.get()
    assert (run.error.startswith("PaymentsUnavailable"), run.payments_compared) == (True, 3)
    ReconciliationRun.objects.update(leased_until=timezone.now())
    turns()
    run.refresh_from_db()
    assert (run.error, run.payments_compared, run.finished_at is not None) == ("", 4, True)


def test_it_is_run_once_a_day(standin: StandIn) -> None:
    compare(hours=1)  # by hand, and too short to count
    assert turns() == 1
    assert ReconciliationRun.objects.count() == 2
    assert turns() == 0
    ReconciliationRun.objects.update(created_at=timezone.now() - comparison.EVERY)
    assert turns() == 1


def test_a_run_that_failed_does_not_count(standin: StandIn) -> None:
    turns()
    ReconciliationRun.objects.update(error="something")
    assert turns() == 1


@pytest.mark.parametrize("is_over", [True, False], ids=["over", "under way"])
def test_a_run_of_the_future_stands_for_none(standin: StandIn, *, is_over: bool) -> None:
    """Written by SQL, it would end the nightly run, and say for years that all is well."""
    later = timezone.now() + dt.timedelta(days=9999)
    run = ReconciliationRun.objects.create(
        since=timezone.now() - dt.timedelta(days=99), finished_at=later if is_over else None,
        leased_until=None if is_over else later,
    )  # fmt: skip
    ReconciliationRun.objects.update(created_at=later)
    assert "learnflow_reconciliation_last_success_timestamp_seconds 0.0" in (
        collect_metrics().decode()
    )
    (told,) = [one for one in check_money() if one.name == "comparison with Stripe"]
    assert "never" in told.words
    assert [one.invariant for one in books.verify(invariants=books.ALWAYS)] == [
        "runs_are_of_the_past"
    ]
    while services.compare_when_due():
        pass
    made = ReconciliationRun.objects.exclude(id=run.id).get()
    assert made.finished_at is not None
    assert differences(is_open=True) == {("books", "books")}


def test_a_lease_that_nobody_has_keeps_no_run_from_beginning(standin: StandIn) -> None:
    ReconciliationRun.objects.create(
        since=timezone.now(), leased_until=timezone.now() + dt.timedelta(days=1)
    )
    assert services.compare_when_due()
    assert ReconciliationRun.objects.filter(error="", finished_at__isnull=False).exists()


def test_workers_at_once_begin_one_run(standin: StandIn) -> None:
    outcomes = at_once(*[services.compare_when_due] * 4)
    assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert ReconciliationRun.objects.count() == 1


def test_of_workers_at_once_one_takes_the_next_step(
    standin: StandIn, small_steps: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others look while the first has found it free and not said yet that it is taken."""
    for _ in range(4):
        pay_at_stripe(standin, str(uuid.uuid4()))
    services.compare_when_due()
    save = ReconciliationRun.save

    def meet_and_save(run: ReconciliationRun, **given: Any) -> None:
        meet()
        save(run, **given)

    monkeypatch.setattr(ReconciliationRun, "save", meet_and_save)
    assert sorted(at_once(*[services.compare_when_due] * 6)) == [False] * 5 + [True]
    assert standin.counts()["payment_intents.list"] == 2


def test_two_open_runs_cannot_be(standin: StandIn) -> None:
    ReconciliationRun.objects.create(since=timezone.now())
    with pytest.raises(IntegrityError), transaction.atomic():
        ReconciliationRun.objects.create(since=timezone.now())


def test_a_run_by_hand_takes_the_place_of_one_under_way(
    standin: StandIn, small_steps: None
) -> None:
    services.compare_when_due()
    held = comparison._claim()
    assert held is not None
    by_hand = compare()
    assert (by_hand.error, by_hand.finished_at is not None) == ("", True)
    comparison._advance(held)  # the worker didn't hear of it
    assert held.error == "Given up for another run"
    assert ReconciliationRun.objects.filter(finished_at=None).count() == 0


def test_without_stripe_the_books_are_verified_alone(settled: Payment, settings: Any) -> None:
    Order.objects.update(refunded_amount=Decimal("1.00"))
    settings.STRIPE_SECRET_KEY = ""
    assert turns() == 1
    run = ReconciliationRun.objects.get()
    assert (run.error, run.payments_compared) == ("", 0)
    assert differences(is_open=True) == {("books", "books")}


@pytest.mark.parametrize("fault", [RuntimeError("a fault of ours"), StripeNotFound("pi_gone")])
def test_a_run_that_cannot_go_on_says_so_and_is_replaced_after_a_day(
    standin: StandIn, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    def fail(**page: object) -> None:
        raise fault

    monkeypatch.setattr(comparison, "compare_page", fail)
    assert services.compare_when_due()
    run = ReconciliationRun.objects.get()
    assert (run.error, run.finished_at) == (f"{type(fault).__name__}: {fault}", None)
    assert not services.compare_when_due(), "not at once again"
    a_day_ago = timezone.now() - comparison.EVERY
    ReconciliationRun.objects.update(leased_until=None, created_at=a_day_ago)
    assert services.compare_when_due()
    run.refresh_from_db()
    assert run.finished_at is not None
    monkeypatch.undo()
    assert turns() == 1
    assert ReconciliationRun.objects.filter(error="").count() == 1


def test_a_page_full_of_trouble_is_looked_at_in_turns(
    standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each object costs several calls, and a task is killed after two minutes."""
    for _ in range(4):
        pay_at_stripe(standin, str(uuid.uuid4()))
    monkeypatch.setattr(comparison, "SLICE_SECONDS", 0.0)
    monkeypatch.setattr(comparison, "STEP_SECONDS", 0.0)
    services.compare_when_due()
    run = ReconciliationRun.objects.get()
    assert ReconciliationDifference.objects.count() == 1
    assert run.payments_compared == 0
    assert turns() >= 4
    run.refresh_from_db()
    assert (run.error, run.payments_compared) == ("", 4)
    assert differences(is_open=True) == {("payment_intent", "missing_here")}
    assert ReconciliationDifference.objects.filter(resolved_at=None).count() == 4
    assert run.totals["usd"]["captured_there"] == "199.96"


def test_open_differences_of_before_are_looked_at_in_turns(
    standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison, "STEP_SECONDS", 0.0)
    monkeypatch.setattr(comparison, "SLICE_SECONDS", 0.0)
    before = timezone.now() - dt.timedelta(days=9)
    old = ReconciliationRun.objects.create(since=before, finished_at=before)
    for number in range(3):
        ReconciliationDifference.objects.create(
            kind="missing_here", object_type="refund", object_id=f"re_{number}", found_by=old,
            last_seen_at=before,
        )  # fmt: skip
    ReconciliationRun.objects.create(since=before, position={"stage": "open"})
    for left in (2, 1, 0):
        services.compare_when_due()
        assert ReconciliationDifference.objects.filter(resolved_at=None).count() == left
    # What finds that none is left, our account, what lies there, and the books: their counts, what
    # was written to, and what was broken before.
    assert turns() == 1 + 1 + 1 + 3
    assert ReconciliationRun.objects.filter(finished_at=None).count() == 0


def test_the_books_are_verified_in_turns(settled: Payment, monkeypatch: pytest.MonkeyPatch) -> None:
    Order.objects.update(refunded_amount=1)
    monkeypatch.setattr(comparison, "STEP_SECONDS", 0.0)
    monkeypatch.setattr(comparison, "SLICE_SECONDS", 0.0)
    run = ReconciliationRun.objects.create(
        since=timezone.now() - dt.timedelta(days=9), position={"stage": "books"}
    )
    assert turns() == 3
    run.refresh_from_db()
    assert (run.error, run.finished_at is not None) == ("", True)
    assert differences(is_open=True) == {("books", "books")}


def test_what_is_known_to_be_broken_is_asked_of_all_books_until_it_is_mended(
    settled: Payment,
) -> None:
    Order.objects.update(refunded_amount=Decimal("1.00"))
    compare()
    assert not BookTouch.objects.exists()
    compare()
    assert differences(is_open=True) == {("books", "books")}, "nothing was written to since"
    with unguarded():
        Order.objects.update(refunded_amount=0)
    compare()
    assert differences(is_open=True) == set()


def test_what_a_killed_worker_had_verified_is_verified_again(
    settled: Payment, monkeypatch: pytest.MonkeyPatch
) -> None:
    Order.objects.update(refunded_amount=Decimal("1.00"))
    with monkeypatch.context() as patched:

        def be_killed(*given: object) -> None:
            raise SystemExit

        patched.setattr(verification, "_keep", be_killed)
        with pytest.raises(SystemExit):
            compare()
    assert BookTouch.objects.exists()
    compare()
    assert differences(is_open=True) == {("books", "books")}


def test_workers_at_once_verify_what_was_written_to_once(settled: Payment) -> None:
    Order.objects.update(refunded_amount=Decimal("1.00"))
    up_to = books.last_note()
    found: list[books.Violation] = []
    turns = at_once(*[lambda: books.verify_touched(up_to=up_to, on_found=found.extend)] * 4)
    assert not [turn for turn in turns if isinstance(turn, Exception)]
    assert [violation.invariant for violation in found] == ["order_refunds_add_up"]


# --- For people ---------------------------------------------------------------------------------


def test_the_command_heals_tells_and_fails_when_something_stays(unheard: Order) -> None:
    out = io.StringIO()
    call_command("reconcile", "--since=1h", stdout=out)
    assert "99.98" in out.getvalue()
    assert "No difference is left" in out.getvalue()
    Refund.objects.update(amount=Decimal("9.00"))
    out = io.StringIO()
    with pytest.raises(CommandError) as failure:
        call_command("reconcile", "--since=2020-01-01", stdout=out)
    assert failure.value.returncode == 1
    assert "Differences that stay" in out.getvalue()


def test_the_command_says_when_stripe_is_away(standin: StandIn) -> None:
    standin.fault("refuse", "payment_intents.list", status=503)
    with pytest.raises(CommandError, match="run it again"):
        call_command("reconcile", stdout=io.StringIO())
    assert ReconciliationRun.objects.get().finished_at is not None


@pytest.mark.parametrize("since", ["yesterday", "3w", "2026-13-01", ""])
def test_the_command_refuses_a_time_it_cannot_read(since: str) -> None:
    with pytest.raises(CommandError):
        call_command("reconcile", f"--since={since}", stdout=io.StringIO())


def test_staff_and_prometheus_are_told(settled: Payment) -> None:
    Payment.objects.update(amount=Decimal("1.00"))
    compare()
    told = collect_metrics().decode()
    assert 'learnflow_reconciliation_differences{kind="amount"} 1.0' in told
    assert 'learnflow_reconciliation_differences{kind="status"} 0.0' in told
    assert "learnflow_reconciliation_last_success_timestamp_seconds 0.0" not in told
    assert 'learnflow_stripe_events{status="dead"} 0.0' in told
    assert "learnflow_payments_needing_attention 0.0" in told
    assert 'learnflow_outbox_deliveries{status="dead"} 0.0' in told
    staff = Client()
    staff.force_login(StaffFactory.create(is_superuser=True))
    for name in ("reconciliationdifference", "reconciliationrun"):
        page = staff.get(f"/admin/payments/{name}/")
        assert page.status_code == 200
    assert (
        settled.stripe_payment_id
        in staff.get("/admin/payments/reconciliationdifference/").content.decode()
    )


def test_a_payment_that_did_not_heal_is_not_lost_sight_of(
    settled: Payment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(intent_id: str) -> None:
        raise PaymentsUnavailable

    Payment.objects.update(status="pending")
    subject = matching.Subject(**{**vars(matching.INTENTS), "heal": away})
    monkeypatch.setitem(comparison._BY_NAME, "payment_intent", subject)
    with pytest.raises(PaymentsUnavailable):
        compare()
    run = ReconciliationRun.objects.get()
    assert (run.error.startswith("PaymentsUnavailable"), run.finished_at is not None) == (
        True,
        True,
    )
