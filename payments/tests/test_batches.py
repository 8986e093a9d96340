"""Many purchases settled in one transaction: each as by itself, and one keeps no other waiting."""

import threading
import uuid
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cart.models import Cart
from core.models import OutboxDelivery, OutboxEvent
from enrollments.models import Enrollment
from orders import services as order_services
from orders.models import Invoice, Order, OrderItem
from orders.numbers import next_invoice_numbers
from orders.services import settlement as order_settlement
from payments import services, stripe_gateway
from payments.models import LedgerTransaction, Payment, Refund, StripeEvent
from payments.services import settlement, together
from payments.services.settlement import NotTogether, settle_all
from payments.stripe_gateway import IntentFacts
from payments.tests.money import assert_books_hold, make_order
from tests.emptying import unguarded
from tests.factories import UserFactory, make_course
from tests.factories.coupons import CouponFactory
from tests.parallel import at_once, meet

pytestmark = pytest.mark.django_db(transaction=True)


def begin(order: Order, *, number: int = 1) -> Payment:
    """A payment of the order that is open."""
    return Payment.objects.create(
        order=order,
        stripe_payment_id=f"pi_{order.order_number}_{number}",
        amount=order.total_amount,
        currency="usd",
        status="pending" if number == 1 else "failed",
        next_check_at=timezone.now(),
    )


def succeeded(payment: Payment, **changed: Any) -> IntentFacts:
    """What Stripe says of it once it is paid."""
    minor = int(payment.amount * 100)
    said: dict[str, Any] = {
        "id": payment.stripe_payment_id, "status": "succeeded", "amount": minor,
        "amount_received": minor, "currency": "usd", "client_secret": "",
        "charge_id": payment.stripe_payment_id.replace("pi_", "ch_"),
        "order_id": str(payment.order_id), "error_code": "", "error_message": "",
    }  # fmt: skip
    return IntentFacts(**{**said, **changed})


def buyer_of(payment: Payment) -> uuid.UUID:
    buyer = payment.order.user_id
    assert buyer is not None
    return buyer


def begin_many(count: int, *, price: str = "40.00") -> list[Payment]:
    return [begin(make_order(price)) for _ in range(count)]


def tell(
    payments: Sequence[Payment], monkeypatch: pytest.MonkeyPatch, **changed: IntentFacts
) -> None:
    """Let Stripe tell of these payments by events that are due, and say of each that it is paid."""
    said = {payment.stripe_payment_id: succeeded(payment) for payment in payments} | changed
    monkeypatch.setattr(stripe_gateway, "retrieve_intent", lambda *, intent_id: said[intent_id])
    for number, payment in enumerate(payments):
        StripeEvent.objects.create(
            id=f"evt_{number}", type="payment_intent.succeeded",
            object_id=payment.stripe_payment_id, payload={}, created_at_stripe=timezone.now(),
            next_attempt_at=timezone.now(),
        )  # fmt: skip


def statuses(payments: Sequence[Payment]) -> list[str]:
    found = dict(Payment.objects.values_list("id", "order__status"))
    return [found[payment.id] for payment in payments]


def assert_settled_once(payments: Sequence[Payment]) -> None:
    assert set(statuses(payments)) == {"completed"}
    assert LedgerTransaction.objects.filter(kind="sale").count() == len(payments)
    numbers = sorted(Invoice.objects.values_list("number", flat=True))
    assert [int(number[-5:]) for number in numbers] == [*range(1, len(payments) + 1)]
    assert_books_hold()


def count_statements(count: int) -> int:
    payments = begin_many(count)
    next_invoice_numbers(times=[timezone.now()])  # The year's series is there.
    with CaptureQueriesContext(connection) as queries:
        settle_all(intents=[succeeded(payment) for payment in payments])
    return len([one for one in queries if "SAVEPOINT" not in one["sql"]])


def test_many_are_settled_as_each_would_be() -> None:
    payments = begin_many(5)
    settled = settle_all(intents=[succeeded(payment) for payment in payments])
    assert {one.state for one in settled.values()} == {"succeeded"}
    assert_settled_once(payments)
    names = list(OutboxEvent.objects.values_list("name", flat=True))
    assert names.count("orders.order_completed") == names.count("enrollments.enrolled") == 5
    completed = OutboxDelivery.objects.filter(event__name="orders.order_completed")
    assert completed.count() == 5


def test_how_many_statements_a_batch_takes_is_fixed() -> None:
    few, many = count_statements(2), count_statements(20)
    assert few == many == 33
    assert count_statements(1) == many


def test_the_statements_of_the_whole_inbox_are_those_of_a_batch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def count(number: int) -> int:
        StripeEvent.objects.all().delete()
        tell(begin_many(number), monkeypatch)
        with CaptureQueriesContext(connection) as queries:
            assert services.handle_due_events(limit=number) == number
        assert not StripeEvent.objects.exclude(status="handled").exists()
        return len(queries)

    monkeypatch.setattr("payments.services.ahead.GATHER_SECONDS", 5)
    count(1)  # The year's series is there by then.
    assert count(3) == count(18)


def test_one_that_cannot_be_settled_keeps_nobody_else_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    payments = begin_many(4)
    # Its lines cost less than was paid, which the ledger refuses.
    with unguarded():
        lines = OrderItem.objects.filter(order=payments[1].order)
        lines.update(price_at_purchase=Decimal("39.00"))
    tell(payments, monkeypatch)
    assert services.handle_due_events() == 4
    assert statuses(payments) == ["completed", "pending", "completed", "completed"]
    (left,) = StripeEvent.objects.filter(status="received")
    assert (left.object_id, left.attempts) == (payments[1].stripe_payment_id, 1)
    assert Invoice.objects.count() == 3


def test_one_that_somebody_is_at_keeps_nobody_else_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    payments = begin_many(3)
    tell(payments, monkeypatch)
    held, goes_on = threading.Event(), threading.Event()

    def hold() -> list[str]:
        with transaction.atomic():
            list(Payment.objects.select_for_update().filter(id=payments[0].id))
            held.set()
            while statuses(payments).count("completed") < 2:
                assert not goes_on.wait(timeout=0.02)
            return statuses(payments)

    def handle() -> int:
        assert held.wait(timeout=60)
        return services.handle_due_events()

    assert at_once(hold, handle) == [["pending", "completed", "completed"], 3]
    assert_settled_once(payments)


def test_a_batch_that_waits_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its buyer's cart is locked; the others' purchases need it not."""
    payments = begin_many(3)
    for payment in payments:
        Cart.objects.create(user_id=buyer_of(payment))
    tell(payments, monkeypatch)
    monkeypatch.setattr(together, "_LOCK_WAIT", "50ms")
    held = threading.Event()

    def hold() -> int:
        with transaction.atomic():
            list(Cart.objects.select_for_update().filter(user_id=buyer_of(payments[2])))
            held.set()
            while (done := statuses(payments).count("completed")) < 2:
                threading.Event().wait(0.02)
            return done

    def handle() -> int:
        assert held.wait(timeout=60)
        return services.handle_due_events()

    assert at_once(hold, handle) == [2, 3]
    assert_settled_once(payments)


def test_batches_that_overlap_settle_each_once_and_never_wait_for_each_other() -> None:
    courses = [make_course() for _ in range(4)]
    payments = [
        begin(make_order("10.00", "20.00", courses=[courses[n % 4], courses[(n + 1) % 4]]))
        for n in range(12)
    ]
    intents = [succeeded(payment) for payment in payments]

    def settle_some(some: list[IntentFacts]) -> Callable[[], set[str]]:
        return lambda: {one.state for one in settle_all(intents=some).values()}

    outcomes = at_once(
        settle_some(intents[:8]),
        settle_some(intents[4:][::-1]),
        settle_some(intents[::-2]),
        settle_some(intents[::3]),
    )
    assert all(states <= {"succeeded"} for states in outcomes)
    # What one found another at, it left out.
    for intent in intents:
        assert services.settle(intent=intent).state == "succeeded"
    assert_settled_once(payments)


def test_batches_lock_carts_and_orders_in_one_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the same people, each with two payments: their carts are met from both sides."""
    buyers = [UserFactory.create() for _ in range(2)]
    for buyer in buyers:
        Cart.objects.create(user=buyer)
    first = [begin(make_order("10.00", user=buyer)) for buyer in buyers]
    for payment in first:
        # Money on its way leaves room for another order.
        Order.objects.filter(id=payment.order_id).update(payment_in_progress_since=timezone.now())
    second = [begin(make_order("20.00", user=buyer)) for buyer in reversed(buyers)]
    lock = order_settlement.lock_carts_and_orders

    def meet_and_lock(**given: Any) -> Any:
        meet()
        return lock(**given)

    monkeypatch.setattr(order_settlement, "lock_carts_and_orders", meet_and_lock)
    at_once(
        *[
            lambda some=some: settle_all(intents=[succeeded(payment) for payment in some])
            for some in (first, second)
        ]
    )
    assert_settled_once([*first, *second])


def make_two_orders(*, same_course: bool) -> list[Payment]:
    """A person's order that a debit is paying, and another beside it."""
    buyer = UserFactory.create()
    course = make_course()
    first = make_order("40.00", user=buyer, courses=[course])
    Order.objects.filter(id=first.id).update(payment_in_progress_since=timezone.now())
    courses = [course] if same_course else [make_course()]
    return [begin(first), begin(make_order("30.00", user=buyer, courses=courses))]


def test_two_orders_of_the_same_person() -> None:
    payments = make_two_orders(same_course=False)
    settle_all(intents=[succeeded(payment) for payment in payments])
    assert_settled_once(payments)
    assert Enrollment.objects.filter(user_id=buyer_of(payments[0])).count() == 2
    assert not Refund.objects.exists()


def test_of_two_purchases_of_a_course_the_second_goes_back() -> None:
    payments = make_two_orders(same_course=True)
    settle_all(intents=[succeeded(payment) for payment in reversed(payments)])
    assert_settled_once(payments)
    refund = Refund.objects.get()
    assert (refund.payment, refund.reason, refund.amount) == (
        payments[1], "already_owned", Decimal("30.00"),
    )  # fmt: skip
    assert OrderItem.objects.get(order=payments[1].order).state == "canceled"
    assert Enrollment.objects.count() == 1


def test_an_order_that_is_paid_twice_in_a_batch_keeps_one_payment() -> None:
    order = make_order("40.00")
    payments = [begin(order), begin(order, number=2)]
    settled = settle_all(intents=[succeeded(payment) for payment in payments])
    assert sorted(one.state for one in settled.values()) == ["refunding", "succeeded"]
    assert Refund.objects.get().reason == "duplicate_payment"
    assert Payment.objects.exclude(needs_attention="").count() == 1
    assert Invoice.objects.count() == 1
    assert_books_hold()


def test_money_for_a_closed_order_goes_back_beside_the_others() -> None:
    payments = begin_many(3)
    Order.objects.filter(id=payments[1].order_id).update(status="failed", failure_reason="expired")
    OrderItem.objects.filter(order=payments[1].order_id).update(state="canceled")
    settled = settle_all(intents=[succeeded(payment) for payment in payments])
    states = [settled[payment.stripe_payment_id].state for payment in payments]
    assert states == ["succeeded", "refunding", "succeeded"]
    assert Refund.objects.get().reason == "late_payment"
    assert_books_hold()


def test_the_wrong_amount_is_settled_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    payments = begin_many(3)
    wrong = succeeded(payments[1], amount_received=1)
    with pytest.raises(NotTogether):
        settle_all(intents=[succeeded(payments[0]), wrong])
    tell(payments, monkeypatch, **{wrong.id: wrong})
    services.handle_due_events()
    assert statuses(payments) == ["completed", "pending", "completed"]
    assert Refund.objects.get().reason == "amount_mismatch"
    assert_books_hold()


def test_what_is_no_success_comes_alone() -> None:
    payments = begin_many(2)
    open_still = succeeded(payments[0], status="processing")
    with pytest.raises(NotTogether):
        settle_all(intents=[open_still, succeeded(payments[1])])
    assert statuses(payments) == ["pending", "pending"]


def test_what_is_not_known_here_is_left_out() -> None:
    known, strange = begin(make_order("40.00")), begin(make_order("30.00"))
    Payment.objects.filter(id=strange.id).delete()
    settled = settle_all(intents=[succeeded(known), succeeded(strange)])
    assert set(settled) == {known.stripe_payment_id}
    # By itself, it is made of what the intent says.
    assert services.settle(intent=succeeded(strange)).state == "succeeded"


def test_fees_are_booked_together() -> None:
    payments = begin_many(3)
    settle_all(intents=[succeeded(payment) for payment in payments])
    for _ in range(2):
        settle_all(intents=[succeeded(payment, fee=150) for payment in payments])
    assert LedgerTransaction.objects.filter(kind="stripe_fee").count() == 3
    assert_settled_once(payments)


def test_a_coupon_is_used_by_each_and_taken_off_its_cart() -> None:
    coupon = CouponFactory.create(code="TEN")
    payments = begin_many(3)
    for payment, code in zip(payments, ("TEN", "OTHER", ""), strict=True):
        Cart.objects.create(user_id=buyer_of(payment), coupon_code=code)
        make_line(payment)
    Order.objects.filter(id__in=[payments[0].order_id, payments[1].order_id]).update(coupon=coupon)
    settle_all(intents=[succeeded(payment) for payment in payments])
    codes = [Cart.objects.get(user_id=buyer_of(payment)).coupon_code for payment in payments]
    assert codes == ["", "OTHER", ""]
    for payment in payments:
        assert Cart.objects.get(user_id=buyer_of(payment)).items.count() == 1


def make_line(payment: Payment) -> None:
    """Something else that stays in the cart, beside what is bought."""
    cart = Cart.objects.get(user_id=buyer_of(payment))
    cart.items.create(course=make_course())
    cart.items.create(course=payment.order.items.get().course)


class Killed(BaseException):
    """As if the process had ended here."""


@pytest.mark.parametrize("place", ["finish_orders", "mark_all_paid"])
def test_killed_in_the_middle_nothing_is_half_done(
    monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    payments = begin_many(3)
    tell(payments, monkeypatch)
    work = getattr(order_services, place)

    def work_and_end(**given: Any) -> None:
        work(**given)
        raise Killed

    with monkeypatch.context() as ended:
        ended.setattr(order_services, place, work_and_end)
        with pytest.raises(Killed):
            services.handle_due_events()
    assert statuses(payments) == ["pending"] * 3
    assert not LedgerTransaction.objects.exists()
    assert not Invoice.objects.exists()
    assert StripeEvent.objects.filter(status="received").count() == 3
    StripeEvent.objects.update(next_attempt_at=timezone.now())
    services.handle_due_events()
    assert_settled_once(payments)


def test_the_marks_are_of_the_transaction_of_the_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    payments = begin_many(3)
    tell(payments, monkeypatch)
    seen: list[int] = []
    real = settlement.settle_all

    def look(**given: Any) -> Any:
        settled = real(**given)
        transaction.on_commit(
            lambda: seen.append(StripeEvent.objects.filter(status="handled").count())
        )
        return settled

    monkeypatch.setattr(together, "settle_all", look)
    services.handle_due_events()
    assert seen == [3]


def test_a_fee_is_not_asked_for_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Success and charge of a purchase are one question, and a known fee is none."""
    payments = begin_many(2)
    tell(payments, monkeypatch)
    asked: list[str] = []
    said = {payment.stripe_payment_id: succeeded(payment, fee=150) for payment in payments}

    def retrieve(*, intent_id: str) -> IntentFacts:
        asked.append(intent_id)
        return said[intent_id]

    def tell_of_charges(when: str) -> None:
        for number, payment in enumerate(payments):
            charge = payment.stripe_payment_id.replace("pi_", "ch_")
            payload = {
                "data": {"object": {"id": charge, "payment_intent": payment.stripe_payment_id}}
            }
            StripeEvent.objects.create(
                id=f"evt_{when}_{number}", type="charge.updated", object_id=charge,
                payload=payload, created_at_stripe=timezone.now(),
                next_attempt_at=timezone.now(),
            )  # fmt: skip

    monkeypatch.setattr(stripe_gateway, "retrieve_intent", retrieve)
    tell_of_charges("early")
    assert services.handle_due_events() == 4
    assert sorted(asked) == sorted(said)
    tell_of_charges("late")
    with CaptureQueriesContext(connection) as queries:
        assert services.handle_due_events() == 2
    assert len(asked) == 2
    marks = [
        query
        for query in queries
        if query["sql"].startswith("UPDATE") and "handled" in query["sql"]
    ]
    assert len(marks) == 1
    assert not StripeEvent.objects.exclude(status="handled").exists()


def test_what_somebody_waits_for_comes_before_fees(monkeypatch: pytest.MonkeyPatch) -> None:
    payments = begin_many(2)
    tell(payments, monkeypatch)
    StripeEvent.objects.filter(id="evt_0").update(
        type="charge.updated", next_attempt_at=timezone.now() - settings.LEASE
    )
    assert services.handle_due_events(limit=1) == 1
    assert StripeEvent.objects.get(id="evt_1").status == "handled"
    assert StripeEvent.objects.get(id="evt_0").attempts == 0
