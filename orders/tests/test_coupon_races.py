"""Coupons under real threads: what their locks decide."""

import datetime as dt
from collections import Counter
from decimal import Decimal
from functools import partial

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from cart import services as cart_services
from cart.models import Cart
from orders import services
from orders.errors import CouponInvalid
from orders.models import Coupon, CouponRedemption, Order
from orders.services import checkout, own_coupons
from tests.factories import InstructorFactory, UserFactory
from tests.factories.coupons import CouponFactory
from tests.parallel import Beside, meet, run_in_parallel

pytestmark = pytest.mark.django_db(transaction=True)


def order_cart(user, coupon_code=None):
    return services.create_from_cart(user_id=user.id, billing_address={}, coupon_code=coupon_code)


def live_orders(coupon):
    return Order.objects.filter(coupon=coupon).exclude(status="failed")


def test_the_last_redemption_goes_to_one_of_twenty(fill):
    coupon = CouponFactory.create(code="LAST", max_redemptions=1)
    users = UserFactory.create_batch(20)
    for user in users:
        fill(user, "10.00")
    results = run_in_parallel(20, lambda n: order_cart(users[n], "LAST"))
    kinds = Counter(type(result) for result in results)
    assert kinds == {services.CreatedOrder: 1, CouponInvalid: 19}
    refused = [one for one in results if isinstance(one, CouponInvalid)]
    assert {one.details["reason"] for one in refused} == {"used_up"}
    assert CouponRedemption.objects.count() == live_orders(coupon).count() == 1


def test_uses_are_counted_after_the_lock(user, fill, monkeypatch):
    """Somebody who comes second waits for the first one's order and sees it."""
    CouponFactory.create(code="LAST", max_redemptions=1)
    other = UserFactory.create()
    for person in (user, other):
        fill(person, "10.00")
    begun = []

    def number_while_another_orders(*, at):
        monkeypatch.undo()
        begun.append(Beside(partial(order_cart, other, "LAST")))
        return "ORD-2026-77777"

    monkeypatch.setattr(checkout, "next_order_number", number_while_another_orders)
    order_cart(user, "LAST")
    (second,) = begun
    assert second.had_to_wait
    with pytest.raises(CouponInvalid):
        second.result()
    assert CouponRedemption.objects.get().user == user


def test_one_persons_twenty_calls_take_it_once(user, fill):
    CouponFactory.create(code="ONCE", max_redemptions=5, max_redemptions_per_person=1)
    fill(user, "10.00")
    results = run_in_parallel(20, lambda _: order_cart(user, "ONCE"))
    assert {result.order_id for result in results} == {Order.objects.get().id}
    assert CouponRedemption.objects.count() == 1


def test_a_persons_limit_holds_while_they_pay(fill, place, pay):
    """Paying the first order with it and ordering more with it, at once."""
    coupon = CouponFactory.create(code="ONCE", max_redemptions_per_person=1)
    orders = [place(UserFactory.create(), "10.00", coupon_code="ONCE") for _ in range(8)]
    for order in orders:
        fill(order.user, "5.00")

    def race(n):
        order = orders[n // 2]
        return pay(order) if n % 2 else order_cart(order.user, "ONCE")

    results = run_in_parallel(16, race)
    for order, created, paid in zip(orders, results[::2], results[1::2], strict=True):
        uses = CouponRedemption.objects.filter(user=order.user)
        assert uses.count() == 1
        if paid.kind == "completed":
            assert isinstance(created, CouponInvalid)
            assert created.details["reason"] == "used_by_you"
            assert uses.get().order == order
        else:
            assert paid.kind == "order_closed"
            assert uses.get().order_id == created.order_id
    assert CouponRedemption.objects.count() == live_orders(coupon).count() == 8


@pytest.mark.parametrize("reason", ["expired", "canceled"])
def test_closing_an_order_and_taking_its_coupon(fill, place, reason):
    coupons = [CouponFactory.create(max_redemptions=1) for _ in range(6)]
    orders = [place(UserFactory.create(), "10.00", coupon_code=one.code) for one in coupons]
    Order.objects.update(expires_at=timezone.now())
    users = UserFactory.create_batch(6)
    for user in users:
        fill(user, "10.00")

    def race(n):
        if n % 2:
            return services.close_order(order_id=orders[n // 2].id, reason=reason)
        return order_cart(users[n // 2], coupons[n // 2].code)

    results = run_in_parallel(12, race)
    assert results[1::2] == [True] * 6
    for coupon, taken in zip(coupons, results[::2], strict=True):
        uses = CouponRedemption.objects.filter(coupon=coupon)
        if isinstance(taken, CouponInvalid):
            assert taken.details["reason"] == "used_up"
            assert not uses.exists()
        else:
            assert uses.get().order_id == taken.order_id
        assert uses.count() == live_orders(coupon).count()


def test_a_coupon_stands_still_while_an_order_is_made(user, fill, monkeypatch):
    teacher = InstructorFactory.create()
    (course,) = fill(user, "10.00")
    type(course).objects.filter(id=course.id).update(instructor=teacher)
    coupon = CouponFactory.create(code="TEN", instructor=teacher)
    refused = []

    def edit(_):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '100ms'")
            own_coupons.edit_coupon(
                instructor_id=teacher.id, coupon_id=coupon.id, fields={"percent_off": 50}
            )

    def number_while_it_is_edited(**kwargs):
        refused.extend(run_in_parallel(1, edit))
        return "ORD-2026-77777"

    monkeypatch.setattr(checkout, "next_order_number", number_while_it_is_edited)
    order_cart(user, "TEN")
    assert isinstance(refused[0], OperationalError)
    assert Order.objects.get().total_amount == Decimal("9.00")
    assert Coupon.objects.get().percent_off == 10


def test_two_edits_at_once_never_contradict_each_other(monkeypatch):
    """Each is sound by itself; together they would make one that ends before it begins."""
    require_sound = own_coupons._require_sound

    def meet_and_require(*given):
        meet()  # Both have read the coupon before either writes it.
        require_sound(*given)

    monkeypatch.setattr(own_coupons, "_require_sound", meet_and_require)
    teacher = InstructorFactory.create()
    coupons = [CouponFactory.create(instructor=teacher) for _ in range(6)]
    now = timezone.now()
    edits: list[own_coupons.CouponFields] = [
        {"valid_from": now + dt.timedelta(days=1)},
        {"valid_until": now},
    ]

    def edit(n):
        fields = edits[n % 2]
        own_coupons.edit_coupon(
            instructor_id=teacher.id, coupon_id=coupons[n // 2].id, fields=fields
        )

    results = run_in_parallel(12, edit)
    for one, other in zip(results[::2], results[1::2], strict=True):
        assert sorted(type(result).__name__ for result in (one, other)) == ["Invalid", "NoneType"]


def test_payment_waits_for_an_order_being_made_of_the_same_cart(user, place, pay, monkeypatch):
    """Payment takes the cart's coupon off: were the order locked before the cart, they would wait
    for each other."""
    CouponFactory.create(code="TEN")
    order = place(user, "10.00", coupon_code="TEN")
    cart_services.set_coupon(user_id=user.id, code="TEN")
    lock_pending = checkout._lock_pending
    begun = []

    def lock_while_it_is_paid(*, user_id):
        begun.append(Beside(partial(pay, order)))
        return lock_pending(user_id=user_id)

    monkeypatch.setattr(checkout, "_lock_pending", lock_while_it_is_paid)
    again = order_cart(user)
    assert (again.order_id, again.created) == (order.id, False)
    (paying,) = begun
    assert paying.had_to_wait
    assert paying.result().kind == "completed"
    assert Cart.objects.get().coupon_code == ""


def test_payment_and_an_emptied_cart_do_not_wait_for_each_other(user, place, pay, monkeypatch):
    """The payment waits for the cart, and holds nothing by then that emptying it would need."""
    order = place(user, "10.00")
    drop_coupon = cart_services.drop_coupon
    begun = []

    def drop_while_it_is_paid(*, user_id):
        begun.append(Beside(partial(pay, order)))
        drop_coupon(user_id=user_id)

    cart_services.set_coupon(user_id=user.id, code="TEN")
    monkeypatch.setattr(cart_services, "drop_coupon", drop_while_it_is_paid)
    cart_services.clear_cart(user_id=user.id)
    (paying,) = begun
    assert paying.had_to_wait
    assert paying.result().kind == "completed"


def test_payment_and_a_new_coupon_exclude_each_other(fill, place, pay):
    """One put on the cart for what is still in it stays, whoever comes first."""
    CouponFactory.create(code="TEN")
    CouponFactory.create(code="HALF", percent_off=50)
    orders = [place(UserFactory.create(), "10.00", coupon_code="TEN") for _ in range(6)]
    for order in orders:
        cart_services.set_coupon(user_id=order.user_id, code="TEN")
        fill(order.user, "20.00")

    def race(n):
        order = orders[n // 2]
        if n % 2:
            return pay(order)
        return services.apply_coupon(user_id=order.user_id, code="HALF")

    results = run_in_parallel(12, race)
    assert [one.kind for one in results[1::2]] == ["completed"] * 6
    assert {one.coupon_code for one in results[::2]} == {"HALF"}
    assert set(Cart.objects.values_list("coupon_code", flat=True)) == {"HALF"}
