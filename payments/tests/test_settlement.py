"""Settlement: once, whoever comes, and money that can't stay goes back."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.models import OutboxEvent
from devtools.stripe_standin.client import StandIn
from enrollments.models import Enrollment
from orders import services as order_services
from orders.models import Invoice, Order
from orders.numbers import next_invoice_numbers
from orders.services import invoicing
from payments import services, stripe_gateway
from payments.errors import InvalidPayment, OrderNotPayable
from payments.ledger import posting
from payments.models import LedgerTransaction, Payment, Refund
from payments.services import settlement
from payments.services.taking import Taken
from payments.tests.conftest import Pay, confirm, start_payment
from payments.tests.money import close_anyway, make_paid
from tests.factories import EnrollmentFactory
from tests.parallel import at_once, meet

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def paid(order: Order, pay: Pay) -> services.PaymentIntent:
    intent = start_payment(order)
    assert pay(intent)["status"] == "succeeded"
    return intent


def facts(intent: services.PaymentIntent) -> stripe_gateway.IntentFacts:
    return stripe_gateway.retrieve_intent(intent_id=intent.payment_intent_id)


def assert_settled_once(order: Order) -> None:
    order.refresh_from_db()
    assert order.status == "completed"
    assert Enrollment.objects.filter(user=order.user).count() == 2
    assert Invoice.objects.filter(order=order).count() == 1
    names = list(OutboxEvent.objects.values_list("name", flat=True))
    assert names.count("orders.order_completed") == 1
    assert names.count("enrollments.enrolled") == 2
    assert Payment.objects.get().status == "succeeded"
    assert not Refund.objects.exists()


def test_twenty_settlements_at_once_are_one(order: Order, paid: services.PaymentIntent) -> None:
    intent = facts(paid)
    outcomes = at_once(*[lambda: services.settle(intent=intent).state] * 20)
    assert outcomes == ["succeeded"] * 20
    assert_settled_once(order)


def test_counters_and_the_invoices_number_are_the_last_that_are_taken(
    order: Order, paid: services.PaymentIntent
) -> None:
    next_invoice_numbers(times=[timezone.now()])  # The year's series is there.
    intent = facts(paid)
    with CaptureQueriesContext(connection) as queries:
        services.settle(intent=intent)
    statements = [query["sql"] for query in queries]
    (checked,) = (n for n, sql in enumerate(statements) if sql.startswith("SET CONSTRAINTS ALL"))
    locked, *after = (
        sql.strip().split(" (")[0].split(" SET")[0] for sql in statements[checked + 1 :]
    )
    assert locked.startswith('SELECT "courses_coursestats"')
    assert after == [
        "UPDATE courses_coursestats stats",
        "UPDATE orders_numberseries",
        'INSERT INTO "orders_invoice"',
        "COMMIT",
    ]
    assert not any("courses_coursestats" in sql for sql in statements[:checked])


def test_a_sale_has_one_date_in_order_invoice_and_ledger() -> None:
    """Two readings of the clock may be of two months."""
    payment = make_paid("10.00")
    order, invoice = Order.objects.get(), Invoice.objects.get()
    sale = LedgerTransaction.objects.get(kind="sale")
    assert payment.succeeded_at is not None
    dates = {payment.succeeded_at, order.completed_at, invoice.issued_at, sale.occurred_at}
    assert dates == {payment.succeeded_at}


def test_what_contradicts_itself_takes_no_number(
    order: Order, paid: services.PaymentIntent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ledger's own check is put off to the commit, and made before the number."""
    asked: list[Any] = []
    monkeypatch.setattr(invoicing, "next_invoice_numbers", lambda **at: asked.append(at))
    monkeypatch.setattr(posting, "negated", lambda parts: parts)
    with pytest.raises(IntegrityError):
        services.settle(intent=facts(paid))
    assert asked == []


def test_confirm_races_the_webhook(order: Order, paid: services.PaymentIntent) -> None:
    intent = facts(paid)
    outcomes = at_once(
        *[lambda: confirm(order, paid).status] * 5,
        *[lambda: services.settle(intent=intent).state] * 5,
    )
    assert outcomes == ["succeeded"] * 10
    assert_settled_once(order)


def test_a_late_failure_never_overwrites_a_success(
    order: Order, paid: services.PaymentIntent
) -> None:
    intent = facts(paid)
    services.settle(intent=intent)
    for status in ("requires_payment_method", "canceled", "processing"):
        services.settle(intent=replace(intent, status=status))
    assert_settled_once(order)


def test_a_failure_that_is_being_written_lets_the_success_wait(
    order: Order, paid: services.PaymentIntent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has read the payment as open before the success is there; without the payment's lock it
    would write that over it."""
    success = facts(paid)
    has_read, follow = threading.Event(), settlement._follow

    def meet_and_follow(
        payments: Sequence[Payment], told: Mapping[str, stripe_gateway.IntentFacts]
    ) -> list[Taken]:
        if any(intent.status != "succeeded" for intent in told.values()):
            has_read.set()
            meet()
        return follow(payments, told)

    def succeed() -> str:
        assert has_read.wait(timeout=60)
        return services.settle(intent=success).state

    monkeypatch.setattr(settlement, "_follow", meet_and_follow)
    failure = replace(success, status="requires_payment_method")
    outcomes = at_once(lambda: services.settle(intent=failure).state, succeed)
    assert outcomes == ["open", "succeeded"]
    assert_settled_once(order)


def test_of_two_open_intents_one_is_waited_for_and_either_may_pay(
    order: Order, paid: services.PaymentIntent
) -> None:
    second = replace(facts(paid), id="pi_second", charge_id="ch_2", status="processing")
    assert services.settle(intent=second).state == "open"
    states = dict(Payment.objects.values_list("stripe_payment_id", "status"))
    assert states == {paid.payment_intent_id: "pending", "pi_second": "failed"}
    assert services.settle(intent=replace(second, status="succeeded")).state == "succeeded"
    order.refresh_from_db()
    assert (order.status, order.payment_id) == ("completed", "pi_second")
    assert services.settle(intent=facts(paid)).state == "refunding"


def test_stripe_faster_than_our_own_commit(order: Order, paid: services.PaymentIntent) -> None:
    Payment.objects.all().delete()
    services.settle(intent=facts(paid))
    assert_settled_once(order)


def test_a_failure_faster_than_our_own_commit_leaves_it_payable(
    order: Order, pay: Pay, standin: StandIn
) -> None:
    intent = start_payment(order)
    Payment.objects.all().delete()
    pay(intent, "pm_card_chargeDeclined")
    services.settle(intent=facts(intent))
    assert Payment.objects.get().status == "pending"
    assert start_payment(order).payment_intent_id == intent.payment_intent_id


def test_an_intent_of_somebody_elses_shop_changes_nothing(
    order: Order, paid: services.PaymentIntent
) -> None:
    for order_id in ("", "nonsense", "0198c5f0-7c1a-7bd2-9a51-4d8f0b6a2c11"):
        foreign = replace(facts(paid), id="pi_foreign", order_id=order_id)
        assert services.settle(intent=foreign).state == "unknown"
    order.refresh_from_db()
    assert order.status == "pending"
    assert Payment.objects.count() == 1


def test_money_for_a_closed_order_goes_back(
    order: Order, paid: services.PaymentIntent, standin: StandIn
) -> None:
    close_anyway(order)
    with pytest.raises(OrderNotPayable):
        confirm(order, paid)
    refund = Refund.objects.get()
    assert (refund.amount, refund.status, refund.reason) == (
        Decimal("99.98"),
        "due",
        "late_payment",
    )
    assert services.send_due_refunds() == 1
    refund.refresh_from_db()
    order.refresh_from_db()
    assert refund.status == "succeeded"
    assert order.status == "failed"
    assert order.refunded_amount == 0, "the order was never paid, so nothing of it came back"
    assert not Enrollment.objects.exists()
    assert services.settle(intent=facts(paid)).state == "refunding"
    assert Refund.objects.count() == 1
    assert Payment.objects.exclude(needs_attention="").exists()


@pytest.mark.parametrize("change", [{"amount_received": 9997}, {"currency": "eur"}])
def test_the_wrong_money_gives_no_access_and_goes_back(
    order: Order, paid: services.PaymentIntent, change: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    wrong = replace(facts(paid), **change)
    monkeypatch.setattr(stripe_gateway, "retrieve_intent", lambda **_: wrong)
    with pytest.raises(InvalidPayment):
        confirm(order, paid)
    order.refresh_from_db()
    assert order.status == "pending"
    assert not Enrollment.objects.exists()
    assert Refund.objects.get().reason == "amount_mismatch"
    assert "differ" in Payment.objects.get().needs_attention
    assert OutboxEvent.objects.filter(name="payments.needs_attention").exists()


def test_a_course_owned_by_now_is_refunded_and_not_enrolled_twice(
    order: Order, paid: services.PaymentIntent
) -> None:
    item = order.items.all()[0]
    mine = EnrollmentFactory.create(user=order.user, course=item.course, source="free")
    assert confirm(order, paid).status == "succeeded"
    refund = Refund.objects.get()
    assert (refund.amount, refund.reason) == (Decimal("49.99"), "already_owned")
    services.send_due_refunds()
    order.refresh_from_db()
    item.refresh_from_db()
    mine.refresh_from_db()
    assert (order.status, order.refunded_amount) == ("completed", Decimal("49.99"))
    assert item.state == "refunded"
    assert mine.status == "active", "what was owned before stays"
    assert Enrollment.objects.filter(user=order.user, status="active").count() == 2


def test_an_order_paid_twice_keeps_one_payment(
    order: Order, paid: services.PaymentIntent, standin: StandIn
) -> None:
    first = facts(paid)
    services.settle(intent=first)
    second = replace(first, id="pi_second", charge_id="ch_second")
    assert services.settle(intent=second).state == "refunding"
    refund = Refund.objects.get()
    assert (refund.payment.stripe_payment_id, refund.reason) == ("pi_second", "duplicate_payment")
    order.refresh_from_db()
    assert order.payment_id == paid.payment_intent_id


def test_expiry_races_the_payment(order: Order, paid: services.PaymentIntent) -> None:
    intent = facts(paid)
    at_once(
        lambda: services.settle(intent=intent),
        lambda: order_services.close_order(order_id=order.id, reason="canceled"),
    )
    assert_settled_once(order)


def test_an_overdue_order_that_is_paid_is_completed_not_expired(
    order: Order, paid: services.PaymentIntent
) -> None:
    Order.objects.update(expires_at=timezone.now())
    assert services.expire_orders() == 0
    assert_settled_once(order)


def test_an_overdue_order_is_closed_and_its_intent_cancelled(
    order: Order, standin: StandIn
) -> None:
    intent = start_payment(order)
    Order.objects.update(expires_at=timezone.now())
    assert services.expire_orders() == 1
    order.refresh_from_db()
    assert (order.status, order.failure_reason) == ("failed", "expired")
    assert facts(intent).status == "canceled"
    assert Payment.objects.get().status == "failed"


def test_money_on_its_way_keeps_an_overdue_order_open(
    order: Order, standin: StandIn, pay: Pay
) -> None:
    intent = start_payment(order)
    pay(intent, "pm_usBankAccount_processing")
    assert facts(intent).status == "processing"
    Order.objects.update(expires_at=timezone.now())
    assert services.expire_orders() == 0
    order.refresh_from_db()
    assert order.status == "pending"


def test_an_overdue_order_that_may_be_being_paid_waits_while_stripe_is_away(
    order: Order, standin: StandIn
) -> None:
    start_payment(order)
    Order.objects.update(expires_at=timezone.now())
    standin.fault("refuse", times=50, status=503)
    assert services.expire_orders() == 0
    standin.clear_faults()
    assert services.expire_orders() == 1


def test_reconciliation_settles_what_no_event_told(
    order: Order, paid: services.PaymentIntent
) -> None:
    assert services.reconcile_due_payments() == 0, "not due yet"
    Payment.objects.update(next_check_at=timezone.now())
    assert services.reconcile_due_payments() == 1
    assert_settled_once(order)
    assert services.reconcile_due_payments() == 0


def test_reconciliation_cancels_the_intent_of_a_closed_order(
    order: Order, standin: StandIn
) -> None:
    from core import outbox

    intent = start_payment(order)
    close_anyway(order)
    outbox.deliver_due()
    assert services.reconcile_due_payments() == 1
    assert facts(intent).status == "canceled"
    assert Payment.objects.get().status == "failed"
