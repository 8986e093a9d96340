"""Orders under real threads: what the locks decide."""

from collections import Counter
from decimal import Decimal
from functools import partial

import pytest
import time_machine
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from cart import selectors as cart_selectors
from cart.models import Cart, CartItem
from core.ids import new_id
from courses.models import Course
from enrollments import services as enrollment_services
from enrollments.errors import PaymentInProgress
from enrollments.models import Enrollment
from enrollments.services import Reason
from orders import selectors, services
from orders.errors import CartEmpty, CouponInvalid, RefundNotPossible
from orders.models import CouponRedemption, Invoice, Order, OrderItem
from orders.services import checkout, refunds
from orders.services.settlement import PaidOutcome
from tests.factories import UserFactory
from tests.factories.coupons import CouponFactory
from tests.parallel import Beside, run_in_parallel

pytestmark = pytest.mark.django_db(transaction=True)

TERMS = Reason.of_staff("terms")
# Numbers begin anew with the year: no test is to run into the next one.
NOON = "2026-03-02T12:00Z"


def order_cart(user, coupon_code=None):
    return services.create_from_cart(user_id=user.id, billing_address={}, coupon_code=coupon_code)


def test_twenty_parallel_calls_make_one_order(user, fill):
    fill(user, "10.00", "20.00")
    results = run_in_parallel(20, lambda _: order_cart(user))
    assert [result.created for result in results].count(True) == 1
    assert {result.order_id for result in results} == {Order.objects.get().id}
    assert OrderItem.objects.count() == 2


def test_twenty_parallel_free_orders_complete_once(user, fill, events):
    fill(user, "0.00")
    results = run_in_parallel(20, lambda _: order_cart(user))
    kinds = Counter(type(result) for result in results)
    assert kinds == {services.CreatedOrder: 1, CartEmpty: 19}
    assert Order.objects.get().status == "completed"
    assert Enrollment.objects.count() == Invoice.objects.count() == 1
    assert len(events("orders.order_completed")) == 1


@time_machine.travel(NOON)
def test_parallel_buyers_get_distinct_numbers(fill):
    users = UserFactory.create_batch(12)
    courses = fill(users[0], "10.00")
    for user in users[1:]:
        CartItem.objects.create(cart=user_cart(user), course=courses[0])
    run_in_parallel(12, lambda n: order_cart(users[n]))
    assert len(set(Order.objects.values_list("order_number", flat=True))) == 12


def test_nobody_waits_for_the_number_of_anothers_order(user, fill):
    other = UserFactory.create()
    for person in (user, other):
        fill(person, "10.00")
    with transaction.atomic():
        order_cart(user)
        [second] = run_in_parallel(1, lambda _: order_cart(other))
    assert isinstance(second, services.CreatedOrder)


def user_cart(user):
    return Cart.objects.get_or_create(user=user)[0]


@time_machine.travel(NOON)
def test_parallel_settlements_number_invoices_without_a_gap(place, pay):
    orders = [place(UserFactory.create(), "10.00") for _ in range(12)]

    def settle(n):
        with transaction.atomic():
            pay(orders[n])
            if n % 3 == 0:
                # Something after the settlement failed: all of it is undone.
                transaction.set_rollback(True)

    assert run_in_parallel(12, settle) == [None] * 12
    numbers = sorted(Invoice.objects.values_list("number", flat=True))
    assert numbers == [f"INV-2026-{n:05d}" for n in range(1, 9)]
    assert Order.objects.filter(status="completed").count() == 8


def test_a_coupons_limit_holds_in_parallel(fill):
    CouponFactory.create(code="THREE", max_redemptions=3)
    users = UserFactory.create_batch(10)
    for user in users:
        fill(user, "10.00")
    results = run_in_parallel(10, lambda n: order_cart(users[n], "THREE"))
    kinds = Counter(type(result) for result in results)
    assert kinds == {services.CreatedOrder: 3, CouponInvalid: 7}
    assert CouponRedemption.objects.count() == Order.objects.count() == 3


def test_twenty_parallel_reports_of_one_payment_settle_once(user, place, pay, events):
    order = place(user, "10.00")
    outcomes = run_in_parallel(20, lambda _: pay(order))
    assert Counter((one.kind, one.same_payment) for one in outcomes) == {
        ("completed", True): 1,
        ("already_completed", True): 19,
    }
    assert Enrollment.objects.count() == Invoice.objects.count() == 1
    assert len(events("orders.order_completed")) == 1


@pytest.mark.parametrize("reason", ["expired", "canceled"])
def test_payment_and_closing_exclude_each_other(place, pay, events, reason):
    orders = [place(UserFactory.create(), "10.00") for _ in range(8)]
    Order.objects.update(expires_at=timezone.now())

    def race(n):
        order = orders[n // 2]
        if n % 2:
            return pay(order)
        return services.close_order(order_id=order.id, reason=reason)

    results = run_in_parallel(16, race)
    for order, closed, paid in zip(orders, results[::2], results[1::2], strict=True):
        order.refresh_from_db()
        if closed:
            assert paid == PaidOutcome(kind="order_closed")
            assert order.status == "failed"
        else:
            assert paid.kind == "completed"
            assert order.status == "completed"
        assert Enrollment.objects.filter(user=order.user).exists() is not closed
        assert Invoice.objects.filter(order=order).exists() is not closed
    ended = len(events("orders.order_closed")) + len(events("orders.order_completed"))
    assert ended == len(orders)


def test_payment_and_a_changed_cart_exclude_each_other(fill, place, pay):
    orders = [place(UserFactory.create(), "10.00") for _ in range(8)]
    for order in orders:
        fill(order.user, "5.00")

    def race(n):
        order = orders[n // 2]
        return pay(order) if n % 2 else order_cart(order.user)

    results = run_in_parallel(16, race)
    for order, created, paid in zip(orders, results[::2], results[1::2], strict=True):
        order.refresh_from_db()
        new = Order.objects.exclude(id=order.id).get(user=order.user)
        assert created == services.CreatedOrder(order_id=new.id, created=True)
        if paid.kind == "completed":
            # The payment came first: the new order is for what was left in the cart.
            assert (order.status, new.total_amount) == ("completed", Decimal("5.00"))
        else:
            assert paid.kind == "order_closed"
            assert (order.failure_reason, new.total_amount) == ("replaced", Decimal("15.00"))
            assert not Enrollment.objects.filter(user=order.user).exists()


def test_an_order_is_closed_once(user, fill, place, events, monkeypatch):
    """Staff cancel it while the buyer, with a changed cart, replaces it."""
    old = place(user, "10.00")
    fill(user, "5.00")
    read_wish = checkout._read_wish
    begun = []

    def read_while_staff_close(**wish):
        begun.append(Beside(partial(services.close_order, order_id=old.id, reason="canceled")))
        return read_wish(**wish)

    monkeypatch.setattr(checkout, "_read_wish", read_while_staff_close)
    assert order_cart(user).created
    (closing,) = begun
    assert closing.had_to_wait
    assert closing.result() is False
    assert [event["reason"] for event in events("orders.order_closed")] == ["replaced"]


def test_payment_and_the_same_cart_again(place, pay):
    orders = [place(UserFactory.create(), "10.00") for _ in range(8)]

    def race(n):
        order = orders[n // 2]
        return pay(order) if n % 2 else order_cart(order.user)

    results = run_in_parallel(16, race)
    assert [paid.kind for paid in results[1::2]] == ["completed"] * 8
    for order, again in zip(orders, results[::2], strict=True):
        expected = services.CreatedOrder(order_id=order.id, created=False)
        assert again == expected or isinstance(again, CartEmpty)
    assert Order.objects.count() == 8


def test_parallel_refunds_never_exceed_the_order(user, place, pay):
    order = place(user, "10.00", "20.00")
    pay(order)

    def refund(_):
        with transaction.atomic():
            services.apply_refund(
                order_id=order.id, refund_id=new_id(), lines={}, rest=Decimal("10.00")
            )

    results = run_in_parallel(6, refund)
    assert Counter(type(result) for result in results) == {type(None): 3, RefundNotPossible: 3}
    order.refresh_from_db()
    assert (order.status, order.refunded_amount) == ("refunded", Decimal("30.00"))


def test_a_cart_that_came_too_late_to_be_locked_is_not_ordered_from(user, fill, monkeypatch):
    """Without its lock, two calls would both make the one order a person may have."""
    lock_cart = cart_selectors.lock_cart

    def fill_after_looking(*, user_id):
        assert lock_cart(user_id=user_id) is None
        fill(user, "10.00")

    monkeypatch.setattr(cart_selectors, "lock_cart", fill_after_looking)
    with pytest.raises(CartEmpty):
        order_cart(user)
    assert not Order.objects.exists()


def test_a_course_bought_again_while_the_old_order_is_refunded_is_kept(
    user, fill, place, pay, monkeypatch
):
    """Staff took the course away, the buyer pays for it anew, and the old money goes back."""
    old = place(user, "10.00", "20.00")
    pay(old)
    line = old.items.order_by("price_at_purchase").first()
    enrollment_services.revoke_enrollments(enrollment_ids=[line.enrollment_id], reason=TERMS)
    CartItem.objects.create(cart=user_cart(user), course=line.course)
    again = Order.objects.get(id=order_cart(user).order_id)
    look = refunds.find_standing_elsewhere
    begun = []

    def pay_after_looking(**facts):
        found = look(**facts)
        begun.append(Beside(partial(pay, again)))
        return found

    monkeypatch.setattr(refunds, "find_standing_elsewhere", pay_after_looking)
    with transaction.atomic():
        services.apply_refund(
            order_id=old.id, refund_id=new_id(), lines={line.id: Decimal("10.00")}, rest=Decimal(0)
        )
    (paying,) = begun
    assert paying.had_to_wait
    assert paying.result().kind == "completed"
    again.refresh_from_db()
    assert again.status == "completed"
    assert Enrollment.objects.get(id=line.enrollment_id).status == "active"


def test_undoing_a_refund_takes_the_enrolments_in_key_order(user, place, pay, monkeypatch):
    """Only the second of two is to be opened again, and somebody else holds both, first to last."""
    old = place(user, "10.00", "20.00")
    pay(old)
    enrollment_ids = sorted(old.items.values_list("enrollment_id", flat=True))
    refund_id = new_id()
    with transaction.atomic():
        services.apply_refund(order_id=old.id, refund_id=refund_id, lines={}, rest=Decimal("30.00"))
    enrollment_services.reopen_enrollments(enrollment_ids=enrollment_ids[:1])
    look = refunds.find_bought_again
    begun = []

    def hold_both():
        with transaction.atomic():
            enrollment_services.lock_enrollments(enrollment_ids=enrollment_ids)

    def look_while_both_are_wanted(**facts):
        begun.append(Beside(hold_both))
        return look(**facts)

    monkeypatch.setattr(refunds, "find_bought_again", look_while_both_are_wanted)
    with transaction.atomic():
        services.undo_refund(
            order_id=old.id, refund_id=refund_id, amount=Decimal("30.00"), still_back={}
        )
    (holding,) = begun
    assert holding.had_to_wait
    holding.result()


def test_what_stands_on_an_order_stands_still(user, place, pay):
    """A dispute lets it rest: nobody buys the course anew in between."""
    old = place(user, "10.00")
    pay(old)
    line = old.items.get()
    enrollment_services.revoke_enrollments(enrollment_ids=[line.enrollment_id], reason=TERMS)
    CartItem.objects.create(cart=user_cart(user), course=line.course)
    again = Order.objects.get(id=order_cart(user).order_id)
    with transaction.atomic():
        standing = services.list_standing_enrollments(order_id=old.id)
        paying = Beside(partial(pay, again))
        assert paying.had_to_wait
        enrollment_services.suspend_enrollments(
            enrollment_ids=standing, reason=Reason.of_dispute(new_id())
        )
    assert paying.result().kind == "completed"
    assert Enrollment.objects.get(id=line.enrollment_id).status == "active"


def test_news_of_a_payment_waits_for_an_order_being_made(user, fill, place, monkeypatch):
    """Else ordering would close an order whose money it has just seen not to be on its way."""
    old = place(user, "10.00")
    fill(user, "5.00")
    begun = []

    def note():
        with transaction.atomic():
            services.note_progress(order_id=old.id)

    def hear_of_money_after_looking(**found):
        courses = selectors.list_courses_in_progress(**found)
        begun.append(Beside(note))
        return courses

    monkeypatch.setattr(checkout, "list_courses_in_progress", hear_of_money_after_looking)
    assert order_cart(user).created
    (noting,) = begun
    assert noting.had_to_wait
    noting.result()
    old.refresh_from_db()
    assert (old.status, old.payment_in_progress_since) == ("failed", None)


def test_money_on_its_way_and_a_changed_cart_exclude_each_other(fill, place):
    orders = [place(UserFactory.create(), "10.00") for _ in range(8)]
    for order in orders:
        fill(order.user, "5.00")

    def race(n):
        order = orders[n // 2]
        if n % 2:
            with transaction.atomic():
                return services.note_progress(order_id=order.id)
        return order_cart(order.user)

    results = run_in_parallel(16, race)
    for order, created in zip(orders, results[::2], strict=True):
        order.refresh_from_db()
        if isinstance(created, PaymentInProgress):
            assert order.status == "pending"
            assert order.payment_in_progress_since is not None
        else:
            assert created.created
            assert (order.status, order.payment_in_progress_since) == ("failed", None)


def test_prices_stand_still_while_an_order_is_made(user, fill, monkeypatch):
    fill(user, "10.00")
    refused = []

    def raise_price(_):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '100ms'")
            Course.objects.update(price=99, original_price=None)

    def number_while_an_author_edits(**kwargs):
        refused.extend(run_in_parallel(1, raise_price))
        return "ORD-2026-77777"

    monkeypatch.setattr(checkout, "next_order_number", number_while_an_author_edits)
    order_cart(user)
    assert isinstance(refused[0], OperationalError)
    assert Order.objects.get().total_amount == Decimal("10.00")
