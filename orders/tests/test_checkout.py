"""From a cart to an order."""

import datetime as dt
import re
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from cart.models import CartItem
from courses.models import Course
from enrollments.models import Enrollment
from orders import services
from orders.errors import CartEmpty, CouponInvalid, LinesUnavailable, OrderTooLarge, OrderTooSmall
from orders.models import Coupon, CouponRedemption, Invoice, Order, OrderItem
from tests.factories import CartItemFactory, EnrollmentFactory, UserFactory
from tests.factories.coupons import CouponFactory

pytestmark = pytest.mark.django_db

ADDRESS = {"first_name": "John", "email": "john@example.com"}


def order_cart(user, *, billing_address=None, coupon_code=None):
    return services.create_from_cart(
        user_id=user.id, billing_address=billing_address or {}, coupon_code=coupon_code
    )


def test_an_order_snapshots_the_cart_and_keeps_it(user, fill, events, settings):
    first, second = fill(user, "89.99", "79.99")
    before = timezone.now()
    created = order_cart(user, billing_address=ADDRESS)
    order = Order.objects.get()
    assert created == services.CreatedOrder(order_id=order.id, created=True)
    assert order.status == "pending"
    assert re.fullmatch(rf"ORD-{order.created_at.year}-\d{{5,}}", order.order_number)
    assert (order.subtotal, order.total_amount) == (Decimal("169.98"), Decimal("169.98"))
    assert (order.currency, order.billing_address) == ("usd", ADDRESS)
    assert before + settings.ORDER_EXPIRY <= order.expires_at
    Course.objects.update(title="Renamed", price=1)
    lines = order.items.values_list("course_id", "title_at_purchase", "price_at_purchase", "state")
    assert list(lines) == [
        (first.id, first.title, Decimal("89.99"), "pending"),
        (second.id, second.title, Decimal("79.99"), "pending"),
    ]
    assert CartItem.objects.count() == 2
    assert not Enrollment.objects.exists()
    assert not Invoice.objects.exists()
    assert events("orders.order_completed") == events("orders.order_closed") == []


def test_the_same_cart_again_is_the_same_order(user, fill, events):
    fill(user, "10.00")
    first = order_cart(user, billing_address=ADDRESS)
    again = order_cart(user)
    assert again == services.CreatedOrder(order_id=first.order_id, created=False)
    order = Order.objects.get()
    assert order.billing_address == ADDRESS
    assert events("orders.order_closed") == []


def test_the_same_cart_again_takes_the_corrected_address(user, fill):
    fill(user, "10.00")
    order_cart(user, billing_address=ADDRESS)
    order_cart(user, billing_address={**ADDRESS, "first_name": "Jane"})
    assert Order.objects.get().billing_address["first_name"] == "Jane"


def change_cart(user, courses):
    CartItemFactory.create(cart__user=user)


def shrink_cart(user, courses):
    CartItem.objects.filter(course=courses[0]).delete()


def change_price(user, courses):
    Course.objects.filter(id=courses[0].id).update(price=Decimal("12.00"), original_price=None)


@pytest.mark.parametrize("change", [change_cart, shrink_cart, change_price])
def test_a_changed_cart_replaces_the_order(user, fill, events, change):
    courses = fill(user, "10.00", "20.00")
    old = order_cart(user)
    change(user, courses)
    new = order_cart(user)
    assert new.created
    assert new.order_id != old.order_id
    replaced = Order.objects.get(id=old.order_id)
    assert (replaced.status, replaced.failure_reason) == ("failed", "replaced")
    assert set(replaced.items.values_list("state", flat=True)) == {"canceled"}
    assert replaced.total_amount == Decimal("30.00")
    assert events("orders.order_closed") == [
        {"order_id": str(old.order_id), "user_id": str(user.id), "reason": "replaced"}
    ]
    numbers = list(Order.objects.order_by("id").values_list("order_number", flat=True))
    assert numbers == sorted(numbers)
    assert Order.objects.filter(status="pending").count() == 1


def test_an_order_in_another_currency_is_not_given_again(user, fill, settings):
    """The operator changed it while the order was pending: the cart shows the new one."""
    fill(user, "10.00")
    first = order_cart(user)
    settings.CURRENCY = "eur"
    again = order_cart(user)
    assert again.created
    assert Order.objects.get(id=again.order_id).currency == "eur"
    assert Order.objects.get(id=first.order_id).failure_reason == "replaced"


def test_an_overdue_order_is_not_given_again(user, fill, events):
    fill(user, "10.00")
    old = order_cart(user)
    Order.objects.update(expires_at=timezone.now() - dt.timedelta(seconds=1))
    new = order_cart(user)
    assert new.created
    assert Order.objects.get(id=old.order_id).failure_reason == "expired"
    assert events("orders.order_closed")[0]["reason"] == "expired"


@pytest.mark.parametrize("with_empty_cart", [True, False])
def test_an_empty_cart_is_refused(user, fill, with_empty_cart):
    if with_empty_cart:
        fill(user, "10.00")
        CartItem.objects.all().delete()
    with pytest.raises(CartEmpty):
        order_cart(user)
    assert not Order.objects.exists()


def test_lines_that_cannot_be_bought_are_named(user, fill):
    good, gone, owned, own = fill(user, "10", "20", "30", "40")
    pending = order_cart(user)
    Course.objects.filter(id=gone.id).update(status="archived")
    Course.objects.filter(id=own.id).update(instructor=user)
    EnrollmentFactory.create(user=user, course=owned)
    with pytest.raises(LinesUnavailable) as refused:
        order_cart(user)
    lines: Any = refused.value.details["lines"]
    assert {line["course_id"]: line["reason"] for line in lines} == {
        str(gone.id): "NOT_FOR_SALE",
        str(owned.id): "ALREADY_ENROLLED",
        str(own.id): "OWN_COURSE",
    }
    assert lines[0]["title"] == gone.title
    # Nothing else changed: the order of before can still be paid.
    assert Order.objects.get().id == pending.order_id
    assert Order.objects.get().status == "pending"
    assert good.id not in {line["course_id"] for line in lines}


def test_a_line_says_who_taught_then(user, fill):
    (course,) = fill(user, "10.00")
    order_cart(user)
    teacher = course.instructor
    Course.objects.update(instructor=UserFactory.create())
    assert OrderItem.objects.get().instructor == teacher


@pytest.mark.parametrize(("prices", "fits"), [(["0.49"], False), (["0.25", "0.25"], True)])
def test_nobody_gets_an_order_that_cannot_be_paid(user, fill, prices, fits):
    fill(user, *prices)
    if fits:
        assert order_cart(user).created
        return
    with pytest.raises(OrderTooSmall) as refused:
        order_cart(user)
    assert refused.value.details == {"minimum_amount": Decimal("0.50")}
    assert not Order.objects.exists()


@pytest.mark.parametrize(("price", "fits"), [("14.99", False), ("15.00", True)])
def test_the_least_follows_the_currency(user, fill, settings, price, fits):
    settings.CURRENCY = "czk"
    fill(user, price)
    if fits:
        assert order_cart(user).created
        return
    with pytest.raises(OrderTooSmall) as refused:
        order_cart(user)
    assert refused.value.details == {"minimum_amount": Decimal("15.00")}


@pytest.mark.parametrize(
    ("prices", "fits"),
    [
        (["999999.99"], True),
        (["999999.00", "0.99"], True),
        (["999999.99", "0.01"], False),
        # More than the columns of an order hold.
        (["99999999.99"] * 2, False),
    ],
)
def test_nobody_gets_an_order_that_is_too_large_to_be_paid(user, fill, prices, fits):
    fill(user, *prices)
    if fits:
        assert order_cart(user).created
        return
    with pytest.raises(OrderTooLarge) as refused:
        order_cart(user)
    assert refused.value.details == {"maximum_amount": Decimal("999999.99")}
    assert not Order.objects.exists()


def test_what_a_coupon_leaves_is_what_has_to_be_paid(user, fill):
    CouponFactory.create(code="HALF", percent_off=50)
    CouponFactory.create(code="ALL", percent_off=100)
    fill(user, "999999.99", "999999.99")
    assert order_cart(user, coupon_code="HALF").created
    fill(user, "99999999.99")
    with pytest.raises(OrderTooLarge):
        order_cart(user, coupon_code="ALL")
    assert Order.objects.get().status == "pending", "as it was"


def test_a_free_cart_completes_at_once(user, fill, events):
    courses = fill(user, "0", "0")
    created = order_cart(user, billing_address=ADDRESS)
    order = Order.objects.get(id=created.order_id)
    assert order.status == "completed"
    assert order.completed_at is not None
    assert (order.payment_method, order.payment_id, order.transaction_id) == ("", "", "")
    assert set(order.items.values_list("state", flat=True)) == {"fulfilled"}
    enrolled = Enrollment.objects.filter(user=user, status="active")
    assert set(enrolled.values_list("course_id", flat=True)) == {c.id for c in courses}
    assert not CartItem.objects.exists()
    assert Invoice.objects.get().order == order
    assert len(events("orders.order_completed")) == 1
    with pytest.raises(CartEmpty):
        order_cart(user)


def test_a_coupon_for_everything_completes_at_once(user, fill):
    fill(user, "19.99", "0")
    coupon = CouponFactory.create(code="FREE", percent_off=100)
    created = order_cart(user, coupon_code="free")
    order = Order.objects.get(id=created.order_id)
    assert (order.status, order.total_amount) == ("completed", Decimal(0))
    assert order.discount_amount == Decimal("19.99")
    assert CouponRedemption.objects.get().coupon == coupon


class TestCoupons:
    def test_percent_is_shared_out_over_the_lines(self, user, fill):
        fill(user, "10.00", "10.00", "10.03")
        CouponFactory.create(code="TEN", percent_off=10)
        order_cart(user, coupon_code=" ten ")
        order = Order.objects.get()
        assert (order.subtotal, order.discount_amount) == (Decimal("30.03"), Decimal("3.00"))
        assert order.total_amount == Decimal("27.03")
        shares = list(order.items.values_list("discount_amount", flat=True))
        assert sum(shares) == order.discount_amount
        redemption = CouponRedemption.objects.get()
        assert order.coupon == redemption.coupon
        assert (redemption.order, redemption.user) == (order, user)

    def test_an_amount_never_exceeds_what_it_applies_to(self, user, fill):
        cheap, _dear = fill(user, "5.00", "50.00")
        CouponFactory.create(code="TWENTY", percent_off=None, amount_off=20, course=cheap)
        order_cart(user, coupon_code="TWENTY")
        order = Order.objects.get()
        assert order.discount_amount == Decimal("5.00")
        shares = order.items.values_list("discount_amount", flat=True)
        assert list(shares) == [Decimal("5.00"), Decimal("0.00")]

    def test_the_same_coupon_again_is_the_same_order(self, user, fill):
        fill(user, "10.00")
        CouponFactory.create(code="TEN", max_redemptions=1)
        first = order_cart(user, coupon_code="TEN")
        assert order_cart(user, coupon_code="ten").order_id == first.order_id
        assert CouponRedemption.objects.count() == 1

    def test_another_coupon_or_none_replaces_the_order(self, user, fill):
        fill(user, "10.00")
        CouponFactory.create(code="TEN", max_redemptions=1)
        with_coupon = order_cart(user, coupon_code="TEN")
        without = order_cart(user)
        assert without.created
        assert Order.objects.get(id=without.order_id).discount_amount == 0
        # The replaced order gave its redemption back.
        assert not CouponRedemption.objects.exists()
        assert order_cart(user, coupon_code="TEN").created
        assert CouponRedemption.objects.count() == 1
        assert with_coupon.order_id != without.order_id

    @pytest.mark.parametrize(
        "fields", [{"is_active": False}, {"valid_until": timezone.now()}, {"max_redemptions": 0}]
    )
    def test_an_order_keeps_what_it_was_granted(self, user, fill, fields):
        fill(user, "10.00")
        CouponFactory.create(code="TEN")
        first = order_cart(user, coupon_code="TEN")
        Coupon.objects.update(**fields)
        again = order_cart(user, coupon_code="TEN", billing_address=ADDRESS)
        assert again.order_id == first.order_id
        assert Order.objects.get().total_amount == Decimal("9.00")

    @pytest.mark.parametrize("percent", [5, 50])
    def test_a_coupon_on_other_terms_replaces_the_order(self, user, fill, percent):
        fill(user, "10.00")
        CouponFactory.create(code="TEN", max_redemptions=1)
        first = order_cart(user, coupon_code="TEN")
        Coupon.objects.update(percent_off=percent)
        new = order_cart(user, coupon_code="TEN")
        assert new.order_id != first.order_id
        assert Order.objects.get(id=new.order_id).discount_amount == percent / Decimal(10)
        assert CouponRedemption.objects.get().order_id == new.order_id

    def test_one_persons_limit(self, user, fill, place, pay):
        CouponFactory.create(code="ONCE", max_redemptions_per_person=1)
        pay(place(user, "10.00", coupon_code="ONCE"))
        fill(user, "10.00")
        with pytest.raises(CouponInvalid) as refused:
            order_cart(user, coupon_code="ONCE")
        assert refused.value.details["reason"] == "used_by_you"
        place(UserFactory.create(), "10.00", coupon_code="ONCE")
        assert CouponRedemption.objects.count() == 2

    @pytest.mark.parametrize(
        "fields",
        [
            {"is_active": False},
            {"valid_from": timezone.now() + dt.timedelta(days=1)},
            {"valid_until": timezone.now() - dt.timedelta(days=1)},
            {"max_redemptions": 0},
        ],
    )
    def test_refuses_what_is_not_valid_now(self, user, fill, fields):
        fill(user, "10.00")
        pending = order_cart(user)
        CouponFactory.create(code="NO", **fields)
        with pytest.raises(CouponInvalid):
            order_cart(user, coupon_code="NO")
        assert Order.objects.get().id == pending.order_id
        assert Order.objects.get().status == "pending"
        assert not CouponRedemption.objects.exists()

    def test_refuses_an_unknown_code(self, user, fill):
        fill(user, "10.00")
        with pytest.raises(CouponInvalid):
            order_cart(user, coupon_code="NOPE")
        assert not Order.objects.exists()

    def test_refuses_a_coupon_of_another_course(self, user, fill):
        fill(user, "10.00")
        CouponFactory.create(code="OTHER", course=EnrollmentFactory.create().course)
        with pytest.raises(CouponInvalid):
            order_cart(user, coupon_code="OTHER")

    def test_refuses_when_there_is_nothing_to_take_off(self, user, fill):
        fill(user, "0.00")
        CouponFactory.create(code="TEN")
        with pytest.raises(CouponInvalid):
            order_cart(user, coupon_code="TEN")
        assert not OrderItem.objects.exists()

    def test_refuses_when_used_up(self, user, fill, place):
        CouponFactory.create(code="ONCE", max_redemptions=1)
        place(UserFactory.create(), "10.00", coupon_code="ONCE")
        fill(user, "10.00")
        with pytest.raises(CouponInvalid):
            order_cart(user, coupon_code="ONCE")

    @pytest.mark.parametrize("code", [None, "", "   "])
    def test_no_code_is_no_coupon(self, user, fill, code):
        fill(user, "10.00")
        order_cart(user, coupon_code=code)
        assert Order.objects.get().coupon is None
