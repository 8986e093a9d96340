"""The sweeps: one bad row holds nobody up, and a Stripe that is away holds no worker."""

import datetime as dt
import threading
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db import connection, transaction
from django.db.utils import IntegrityError
from django.utils import timezone

from core import outbox
from devtools.stripe_standin.client import StandIn
from orders import services as order_services
from orders.models import Order
from payments import services, stripe_gateway, tasks
from payments.errors import PaymentsUnavailable
from payments.models import Payment, Refund, StripeEvent
from payments.services import (
    account_looks,
    expiry,
    inbox,
    payouts,
    receiving,
    reconciliation,
    refund_sending,
    sweeping,
)
from payments.services.reconciliation import LEFT_TO_INBOX
from payments.services.refunds import plan_refund
from payments.stripe_gateway import (
    EventFacts,
    StripeBusy,
    StripeFailedBefore,
    StripeForbidden,
    StripeLater,
    StripeNotFound,
    StripeRefused,
)
from payments.stripe_patience import deadline, time_left, wait_for
from payments.tests.conftest import Pay, confirm, start_payment
from payments.tests.money import close_anyway
from tests.factories import OrderFactory, OrderItemFactory, make_course
from tests.parallel import at_once, meet

pytestmark = pytest.mark.django_db(transaction=True)


def make_order() -> Order:
    order = OrderFactory.create()
    OrderItemFactory.create(order=order, course=make_course())
    return order


def make_payment(**given: Any) -> Payment:
    fields = {"status": "pending", "next_check_at": timezone.now(), **given}
    return Payment.objects.create(
        order=make_order(), stripe_payment_id=f"pi_{uuid.uuid4().hex}",
        amount=Decimal("49.99"), currency="usd", **fields,
    )  # fmt: skip


def make_event(number: int) -> StripeEvent:
    return StripeEvent.objects.create(
        id=f"evt_{number}", type="payment_intent.succeeded", object_id=f"pi_{number}", payload={},
        created_at_stripe=timezone.now(), next_attempt_at=timezone.now(),
    )  # fmt: skip


def raising(error: Exception, calls: list[str]) -> Callable[..., Any]:
    def call(**given: Any) -> Any:
        calls.append(str(given))
        raise error

    return call


@pytest.mark.parametrize(
    "error",
    [StripeNotFound(), StripeRefused(code="x", message="y"), ValueError("a bug")],
    ids=["not found", "refused", "bug"],
)
def test_every_row_gets_its_turn_whatever_becomes_of_another(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    # However long a sweep takes, what failed in it isn't due again before it ends.
    monkeypatch.setattr(outbox, "FIRST_BACKOFF", dt.timedelta(hours=1))
    payment = make_payment(status="succeeded")
    for _ in range(3):
        plan_refund(payment=payment, reason="late_payment", amount=Decimal(5))
    for number in range(3):
        make_event(number)
        make_payment()
    calls: list[str] = []
    monkeypatch.setattr(stripe_gateway, "create_refund", raising(error, calls))
    assert (services.send_due_refunds(), len(calls)) == (3, 3)
    calls.clear()
    monkeypatch.setattr(stripe_gateway, "retrieve_intent", raising(error, calls))
    assert (services.handle_due_events(), len(calls)) == (3, 3)
    calls.clear()
    assert (services.reconcile_due_payments(), len(calls)) == (3, 3)


def test_a_refund_of_an_intent_stripe_does_not_know_is_shown_to_staff(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    payment = make_payment(status="succeeded")
    refund = plan_refund(payment=payment, reason="late_payment", amount=Decimal(5))
    monkeypatch.setattr(stripe_gateway, "create_refund", raising(StripeNotFound(), []))
    services.send_due_refunds()
    refund.refresh_from_db()
    payment.refresh_from_db()
    assert refund.status == "failed"
    assert payment.needs_attention


def test_while_stripe_is_away_each_sweep_asks_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of events, once for those that are handled together."""
    monkeypatch.setattr(inbox, "TOGETHER", 1)
    payment = make_payment(status="succeeded")
    for number in range(3):
        plan_refund(payment=payment, reason="late_payment", amount=Decimal(5))
        make_event(number)
        make_payment()
    calls: list[str] = []
    monkeypatch.setattr(stripe_gateway, "create_refund", raising(PaymentsUnavailable(), calls))
    monkeypatch.setattr(stripe_gateway, "retrieve_intent", raising(PaymentsUnavailable(), calls))
    for work in (
        services.send_due_refunds,
        services.handle_due_events,
        services.reconcile_due_payments,
    ):
        calls.clear()
        assert (work(), len(calls)) == (1, 1)
    # What wasn't tried is due at once, and nothing was counted against it.
    assert Refund.objects.filter(attempts=0, next_attempt_at__lte=timezone.now()).count() == 2
    assert StripeEvent.objects.filter(attempts=0, next_attempt_at__lte=timezone.now()).count() == 2
    assert Payment.objects.filter(status="pending", next_check_at__lte=timezone.now()).count() == 2


def test_a_slow_stripe_does_not_outlast_a_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        make_event(number)
    calls: list[str] = []
    monkeypatch.setattr(stripe_gateway, "retrieve_intent", raising(StripeNotFound(), calls))
    monkeypatch.setattr(sweeping, "BUDGET_SECONDS", 0.0)
    monkeypatch.setattr(inbox, "TOGETHER", 1)
    assert services.handle_due_events() == 1
    assert StripeEvent.objects.filter(status="received", attempts=0).count() == 2


@pytest.mark.parametrize("error", [StripeRefused(code="x", message="y"), ValueError("a bug")])
def test_an_order_that_cannot_be_expired_does_not_keep_others_open(
    order: Order, standin: StandIn, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    start_payment(order)
    other = make_order()
    Order.objects.filter(id=order.id).update(expires_at=timezone.now())
    Order.objects.filter(id=other.id).update(expires_at=timezone.now())
    monkeypatch.setattr(stripe_gateway, "cancel_intent", raising(error, []))
    services.expire_orders()
    other.refresh_from_db()
    assert other.status == "failed"


def test_expiry_asks_a_stripe_that_is_away_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        make_payment()
    unpaid = make_order()
    Order.objects.update(expires_at=timezone.now())
    calls: list[str] = []
    monkeypatch.setattr(stripe_gateway, "cancel_intent", raising(PaymentsUnavailable(), calls))
    assert services.expire_orders() == 1, "who can't be paying needs no answer"
    assert len(calls) == 1
    unpaid.refresh_from_db()
    assert unpaid.status == "failed"


@pytest.mark.parametrize(
    "error", [StripeLater(), StripeBusy(), StripeFailedBefore(), StripeForbidden()]
)
def test_an_order_that_stripe_puts_off_keeps_no_other_one_open(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Nor does one that our key has no right to."""
    first, *_ = [make_payment() for _ in range(3)]
    due_at = timezone.now() - dt.timedelta(hours=1)
    Order.objects.update(expires_at=timezone.now())
    Order.objects.filter(id=first.order_id).update(expires_at=due_at)

    def cancel(*, intent_id: str) -> Any:
        raise error if intent_id == first.stripe_payment_id else StripeNotFound()

    monkeypatch.setattr(stripe_gateway, "cancel_intent", cancel)
    assert services.expire_orders() == 2
    assert Order.objects.get(status="pending").id == first.order_id


def test_expiry_leaves_a_stripe_alone_that_puts_off_all(
    nudged: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(4):
        make_payment()
    unpaid = make_order()
    Order.objects.update(expires_at=timezone.now() - dt.timedelta(hours=1))
    Order.objects.filter(id=unpaid.id).update(expires_at=timezone.now())
    calls: list[str] = []
    monkeypatch.setattr(stripe_gateway, "cancel_intent", raising(StripeLater(), calls))
    assert services.expire_orders(limit=5) == 1, "who can't be paying needs no answer"
    assert len(calls) == 2
    assert not nudged


def test_expiry_that_did_all_it_may_asks_for_another(
    nudged: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        make_order()
    Order.objects.update(expires_at=timezone.now())
    assert services.expire_orders(limit=2) == 2
    assert nudged == [expiry.TASK]
    assert services.expire_orders(limit=2) == 1
    make_payment()
    Order.objects.filter(status="pending").update(expires_at=timezone.now())
    monkeypatch.setattr(stripe_gateway, "cancel_intent", raising(ValueError("a bug"), []))
    assert services.expire_orders(limit=1) == 0
    assert nudged == [expiry.TASK], "it would go round and round"


def test_an_order_that_is_just_being_paid_is_not_closed_under_it(
    order: Order, standin: StandIn, pay: Pay
) -> None:
    """Stripe answers 429 (`lock_timeout`) to who wants an intent that is under way."""
    intent = start_payment(order)
    other = make_order()
    Order.objects.update(expires_at=timezone.now())
    standin.fault("refuse", "payment_intents.cancel", status=429)
    assert services.expire_orders() == 1
    other.refresh_from_db()
    assert other.status == "failed"
    pay(intent)
    assert services.expire_orders() == 0
    order.refresh_from_db()
    assert order.status == "completed"


def test_expiry_goes_on_where_it_stopped(order: Order, standin: StandIn) -> None:
    """An order that can't be closed, however long overdue, keeps no other one open."""
    now = timezone.now()
    start_payment(order)
    others = [make_order() for _ in range(2)]
    for hours, one in enumerate((order, *others)):
        Order.objects.filter(id=one.id).update(expires_at=now - dt.timedelta(hours=9 - hours))
    standin.fault("refuse", "payment_intents.cancel", status=429, times=1)
    assert [services.expire_orders(limit=1) for _ in range(3)] == [0, 1, 1]
    assert services.expire_orders(limit=1) == 1, "and begins anew"
    assert not Order.objects.filter(status="pending").exists()


def test_expiry_has_a_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    make_order()
    Order.objects.update(expires_at=timezone.now())
    monkeypatch.setattr(sweeping, "BUDGET_SECONDS", 0.0)
    assert services.expire_orders() == 0
    monkeypatch.undo()
    assert services.expire_orders() == 1


def test_a_workers_time_that_is_up_ends_its_sweep(
    monkeypatch: pytest.MonkeyPatch, standin: StandIn
) -> None:
    """Else it would go on until it is killed in the middle of something."""
    up = SoftTimeLimitExceeded()
    calls: list[str] = []
    monkeypatch.setattr(inbox, "TOGETHER", 1)
    for number in range(2):
        make_event(number)
        make_payment()
    monkeypatch.setattr(stripe_gateway, "retrieve_intent", raising(up, calls))
    for work in (services.handle_due_events, services.reconcile_due_payments):
        calls.clear()
        with pytest.raises(SoftTimeLimitExceeded):
            work()
        assert len(calls) == 1
    assert StripeEvent.objects.filter(status="received", last_error="").count() == 2
    Payment.objects.update(status="succeeded", succeeded_at=timezone.now() - dt.timedelta(hours=1))
    with pytest.raises(SoftTimeLimitExceeded):
        services.book_missing()
    Order.objects.update(expires_at=timezone.now())
    monkeypatch.setattr(order_services, "close_order", raising(up, calls))
    calls.clear()
    with pytest.raises(SoftTimeLimitExceeded):
        services.expire_orders()
    assert len(calls) == 1


def test_the_calls_of_one_row_end_before_its_claim(settings: Any) -> None:
    settings.LEASE = dt.timedelta(seconds=1000)
    settings.STRIPE_TIMEOUT_SECONDS = 1.0
    rows, left, gave_up = ["a row of many calls"], [], []

    def ask_often(_: str) -> None:
        left.append(time_left())
        with deadline(seconds=0):  # However long it took: the time is up.
            wait_for(lambda: None)

    sweeping.sweep(
        claim=lambda: rows.pop() if rows else None,
        work=ask_often,
        failed=lambda _, exc: gave_up.append(type(exc)),
        limit=5,
        task="",
    )
    assert gave_up == [PaymentsUnavailable]
    assert 500 < left[0] <= 600, "all its calls together have six tenths of the claim"


def test_orders_whose_money_is_on_its_way_do_not_fill_the_sweep(
    order: Order, standin: StandIn, pay: Pay
) -> None:
    intent = start_payment(order)
    pay(intent, "pm_usBankAccount_processing")
    Order.objects.update(expires_at=timezone.now())
    assert services.expire_orders() == 0
    other = make_order()
    Order.objects.filter(id=other.id).update(expires_at=timezone.now())
    assert services.expire_orders(limit=1) == 1
    other.refresh_from_db()
    assert other.status == "failed"


def test_an_order_whose_intent_stripe_forgot_is_payable_with_a_new_one(
    order: Order, standin: StandIn, pay: Pay
) -> None:
    start_payment(order)
    Payment.objects.update(stripe_payment_id="pi_forgotten")
    intent = start_payment(order)
    assert intent.created
    pay(intent)
    assert confirm(order, intent).status == "succeeded"
    assert "know" in Payment.objects.get(stripe_payment_id="pi_forgotten").needs_attention


def test_an_order_that_got_the_wrong_money_is_payable_with_a_new_intent(
    order: Order, standin: StandIn
) -> None:
    first = start_payment(order)
    Payment.objects.update(status="succeeded")  # and on its way back, as the amount didn't match
    assert start_payment(order).payment_intent_id != first.payment_intent_id


def test_the_intent_of_a_closed_order_is_nudged_after_the_commit(
    order: Order, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    nudged: list[tuple[str, bool]] = []
    for module in ("payments.handlers", "core.outbox"):
        monkeypatch.setattr(
            f"{module}.nudge", lambda task, **_: nudged.append((task, connection.in_atomic_block))
        )
    start_payment(order)
    close_anyway(order)
    outbox.deliver_due()
    assert ("payments.tasks.reconcile_payments", False) in nudged


def test_a_handled_event_says_when_whatever_the_clocks_of_two_machines() -> None:
    row = make_event(1)
    StripeEvent.objects.update(
        status="handled", handled_at=row.received_at - dt.timedelta(seconds=2)
    )
    with pytest.raises(IntegrityError):
        StripeEvent.objects.update(status="handled", handled_at=None)


@pytest.mark.parametrize(
    "end",
    [
        lambda event: inbox._try_later(event, ValueError("late")),
        lambda event: inbox._wait(event, "late"),
        lambda event: inbox._ignore(event, "late"),
    ],
    ids=["fails", "waits", "ignores"],
)
def test_a_worker_that_comes_late_leaves_what_another_has_handled(
    end: Callable[[StripeEvent], None],
) -> None:
    """Its claim had lapsed meanwhile."""
    late = make_event(1)
    StripeEvent.objects.update(status="handled", handled_at=timezone.now())
    end(late)
    event = StripeEvent.objects.get()
    assert (event.status, event.last_error) == ("handled", "")


def test_a_refused_refund_and_news_of_it_do_not_deadlock(monkeypatch: pytest.MonkeyPatch) -> None:
    payment = make_payment(status="succeeded")
    refund = plan_refund(payment=payment, reason="late_payment", amount=Decimal(5))
    refused = StripeRefused(code="x", message="y")
    monkeypatch.setattr(stripe_gateway, "create_refund", raising(refused, []))
    locked = threading.Event()

    def hear_of_it() -> None:
        with transaction.atomic():
            Payment.objects.select_for_update().get(id=payment.id)
            locked.set()
            meet()
            Refund.objects.filter(id=refund.id).update(note="heard of")

    def send() -> int:
        assert locked.wait(timeout=60)
        return services.send_due_refunds()

    assert at_once(hear_of_it, send) == [None, 1]
    refund.refresh_from_db()
    assert (refund.status, refund.note) == ("failed", "heard of")


def test_of_workers_at_once_one_looks_a_payment_up(
    order: Order, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has found the payment due before any of them says that it is taken."""
    start_payment(order)
    save = Payment.save

    def meet_and_save(row: Payment, **given: Any) -> None:
        meet()
        save(row, **given)

    monkeypatch.setattr(Payment, "save", meet_and_save)
    Payment.objects.update(next_check_at=timezone.now())
    before = standin.counts().get("payment_intents.retrieve", 0)
    assert sorted(at_once(*[services.reconcile_due_payments] * 6)) == [0] * 5 + [1]
    assert standin.counts()["payment_intents.retrieve"] == before + 1


# --- News that has come, and news that nobody waits for -------------------------------------------


def test_a_payment_whose_news_has_come_is_left_to_the_inbox(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """There it is settled with many others. What the inbox can't do is looked up all the same."""
    told, stuck, _ = make_payment(), make_payment(), make_payment()
    for number, payment in enumerate((told, stuck)):
        make_event(number)
        StripeEvent.objects.filter(id=f"evt_{number}").update(object_id=payment.stripe_payment_id)
    StripeEvent.objects.filter(id="evt_1").update(received_at=timezone.now() - LEFT_TO_INBOX)
    calls: list[str] = []
    monkeypatch.setattr(stripe_gateway, "retrieve_intent", raising(StripeForbidden(), calls))
    assert services.reconcile_due_payments() == 2
    assert not [call for call in calls if told.stripe_payment_id in call]
    StripeEvent.objects.update(status="ignored")
    assert services.reconcile_due_payments() == 1


def make_facts(number: int, kind: str) -> EventFacts:
    return EventFacts(
        id=f"evt_{number}", type=kind, object_id=f"ch_{number}", created=timezone.now(), payload={}
    )


def test_what_only_tells_of_a_fee_waits_and_wakes_nobody(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.STRIPE_FEE_DELAY = dt.timedelta(minutes=1)
    nudged: list[str] = []
    monkeypatch.setattr(receiving, "nudge", nudged.append)
    assert receiving.store_events(events=[make_facts(1, "charge.updated")]) == 1
    assert not nudged
    assert services.handle_due_events() == 0
    waiting = StripeEvent.objects.get()
    assert waiting.status == "received"
    assert waiting.next_attempt_at - waiting.received_at == settings.STRIPE_FEE_DELAY
    receiving.store_events(events=[make_facts(2, "payment_intent.succeeded")])
    assert nudged == [inbox.TASK]


def test_fees_come_when_nothing_is_due_that_somebody_waits_for() -> None:
    for number in range(4):
        make_event(number)
    StripeEvent.objects.filter(id__in=["evt_0", "evt_1"]).update(type="charge.updated")
    assert {event.type for event in inbox._claim(limit=10)} == {"payment_intent.succeeded"}
    assert {event.type for event in inbox._claim(limit=10)} == {"charge.updated"}


@pytest.fixture
def nudged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tasks that were asked for again."""
    asked: list[str] = []
    monkeypatch.setattr("core.nudge.nudge", lambda task, **_: asked.append(task))
    return asked


def test_a_sweep_that_did_all_it_may_asks_for_another(
    nudged: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One nudge stood for all that is due."""
    for number in range(3):
        make_event(number)
        make_payment()
    monkeypatch.setattr(stripe_gateway, "retrieve_intent", raising(StripeNotFound(), []))
    for sweep, task in (
        (services.handle_due_events, inbox.TASK),
        (services.reconcile_due_payments, reconciliation.TASK),
    ):
        nudged.clear()
        assert sweep(limit=2) == 2
        assert nudged == [task]
        assert sweep(limit=2) == 1
        assert nudged == [task]


def test_a_sweep_whose_time_is_over_asks_for_another(
    nudged: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(2):
        make_event(number)
        make_payment()
    monkeypatch.setattr(stripe_gateway, "retrieve_intent", raising(StripeNotFound(), []))
    monkeypatch.setattr(sweeping, "BUDGET_SECONDS", 0.0)
    monkeypatch.setattr(inbox, "TOGETHER", 1)
    assert (services.handle_due_events(), services.reconcile_due_payments()) == (1, 1)
    assert nudged == [inbox.TASK, reconciliation.TASK]


def test_a_sweep_that_an_outage_ends_asks_for_nothing(
    nudged: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_event(1)
    make_payment()
    monkeypatch.setattr(stripe_gateway, "retrieve_intent", raising(PaymentsUnavailable(), []))
    assert services.handle_due_events(limit=1) == services.reconcile_due_payments(limit=1) == 1
    assert not nudged


def test_tasks_are_asked_for_by_their_names() -> None:
    for module in (inbox, refund_sending, payouts, reconciliation, account_looks, expiry):
        assert getattr(tasks, module.TASK.rpartition(".")[2]).name == module.TASK


@pytest.mark.parametrize("error", [StripeLater(), StripeBusy(), StripeFailedBefore()])
def test_a_row_that_stripe_puts_off_holds_up_no_other(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Such as one whose buyer is just paying."""
    monkeypatch.setattr(outbox, "FIRST_BACKOFF", dt.timedelta(hours=1))
    monkeypatch.setattr(inbox, "TOGETHER", 2)
    for number in range(5):
        make_event(number)
    payments = [make_payment() for _ in range(3)]
    put_off = {"pi_0", payments[0].stripe_payment_id}

    def ask(*, intent_id: str) -> Any:
        raise error if intent_id in put_off else StripeNotFound()

    monkeypatch.setattr(stripe_gateway, "retrieve_intent", ask)
    assert services.handle_due_events() == 5
    assert StripeEvent.objects.get(status="received").id == "evt_0"
    assert services.reconcile_due_payments() == 3


def test_a_stripe_that_puts_off_all_is_left_alone(
    nudged: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too many calls were made: each further one is one more."""
    monkeypatch.setattr(inbox, "TOGETHER", 2)
    for number in range(4):
        make_event(number)
        make_payment()
    monkeypatch.setattr(stripe_gateway, "retrieve_intent", raising(StripeLater(), []))
    assert services.handle_due_events(limit=2) == services.reconcile_due_payments(limit=2) == 2
    assert services.handle_due_events() == services.reconcile_due_payments() == 2
    assert not nudged
