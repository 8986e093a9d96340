"""Orders whose money is on its way: what may be ordered beside them, and how they end."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db import transaction
from django.utils import timezone

from cart.models import CartItem
from courses.models import Course
from enrollments.errors import PaymentInProgress
from orders import paying, selectors, services
from orders.errors import CouponInvalid
from orders.models import CouponRedemption, Order
from tests.factories import CartItemFactory
from tests.factories.coupons import CouponFactory

pytestmark = pytest.mark.django_db


def order_cart(user, coupon_code=None):
    return services.create_from_cart(user_id=user.id, billing_address={}, coupon_code=coupon_code)


def note(order):
    with transaction.atomic():
        services.note_progress(order_id=order.id)
    order.refresh_from_db()


def end(order):
    with transaction.atomic():
        went = services.end_progress(order_id=order.id)
    order.refresh_from_db()
    return went


@pytest.fixture
def under_way(user, place):
    """An order of two courses that a debit is paying; they still lie in the cart."""
    order = place(user, "10.00", "20.00")
    note(order)
    return order


def nothing(user, order):
    pass


def let_it_be_overdue(user, order):
    Order.objects.update(expires_at=timezone.now() - dt.timedelta(days=3))


def raise_prices(user, order):
    Course.objects.update(price=Decimal("99.00"), original_price=None)


def take_off_sale(user, order):
    Course.objects.update(status="archived")


@pytest.mark.parametrize("change", [nothing, let_it_be_overdue, raise_prices, take_off_sale])
def test_the_same_courses_again_are_the_order_that_is_being_paid(user, under_way, change):
    change(user, under_way)
    assert order_cart(user) == services.CreatedOrder(order_id=under_way.id, created=False)
    assert Order.objects.get().status == "pending"


def test_another_cart_with_one_of_its_courses_is_refused(user, fill, under_way, events):
    fill(user, "5.00")
    first, second = under_way.items.order_by("created_at", "id")
    CartItem.objects.filter(course_id=first.course_id).delete()
    with pytest.raises(PaymentInProgress) as refused:
        order_cart(user)
    assert refused.value.details == {
        "courses": [
            {
                "course_id": str(second.course_id),
                "title": second.title_at_purchase,
                "order_id": str(under_way.id),
            }
        ]
    }
    assert Order.objects.get().status == "pending"
    assert events("orders.order_closed") == []


def test_other_courses_are_ordered_beside_it(user, fill, under_way):
    CartItem.objects.all().delete()
    fill(user, "5.00")
    beside = order_cart(user)
    assert beside.created
    assert order_cart(user) == services.CreatedOrder(order_id=beside.order_id, created=False)
    assert Order.objects.filter(status="pending").count() == 2
    # What is open is closed for another cart as ever; what is being paid isn't.
    fill(user, "7.00")
    assert order_cart(user).created
    assert Order.objects.get(id=beside.order_id).failure_reason == "replaced"
    under_way.refresh_from_db()
    assert under_way.status == "pending"


def test_a_free_course_beside_it(user, fill, under_way):
    CartItem.objects.all().delete()
    fill(user, "0.00")
    assert Order.objects.get(id=order_cart(user).order_id).status == "completed"
    under_way.refresh_from_db()
    assert under_way.status == "pending"


def test_its_coupon_is_used(user, fill, place):
    """A second order is no other one in its place: it would be the coupon's second use."""
    CouponFactory.create(code="ONCE", percent_off=50, max_redemptions_per_person=1)
    note(place(user, "10.00", coupon_code="ONCE"))
    CartItem.objects.all().delete()
    fill(user, "20.00")
    with pytest.raises(CouponInvalid) as refused:
        order_cart(user, "ONCE")
    assert refused.value.details["reason"] == "used_by_you"


def test_it_says_so(user, under_way):
    shown = selectors.get_order(order_id=under_way.id, user_id=user.id)
    assert shown["payment"] == {
        "method": "stripe",
        "status": "processing",
        "transaction_id": None,
        "refund": None,
    }
    assert shown["status"] == "pending"


def test_noting_it_again_changes_nothing(under_way, place):
    since = under_way.payment_in_progress_since
    assert since is not None
    note(under_way)
    assert under_way.payment_in_progress_since == since


def test_paid_it_is_no_longer_under_way(user, under_way, pay):
    assert pay(under_way).kind == "completed"
    under_way.refresh_from_db()
    assert under_way.payment_in_progress_since is None
    note(under_way)
    assert under_way.payment_in_progress_since is None, "late news of a paid order"
    assert not CartItem.objects.exists()


def test_money_that_did_not_come_leaves_it_payable(user, under_way, settings):
    let_it_be_overdue(user, under_way)
    now = timezone.now()
    assert end(under_way)
    assert (under_way.status, under_way.payment_in_progress_since) == ("pending", None)
    assert now + settings.ORDER_EXPIRY <= under_way.expires_at
    raise_prices(user, under_way)
    assert order_cart(user).created
    under_way.refresh_from_db()
    assert under_way.failure_reason == "replaced"


def test_one_that_has_been_replaced_meanwhile_ends_with_its_payment(
    user, fill, place, events, monkeypatch
):
    CouponFactory.create(code="ONCE", percent_off=50, max_redemptions=1)
    old = place(user, "10.00", coupon_code="ONCE")
    note(old)
    CartItem.objects.all().delete()
    fill(user, "5.00")
    new = order_cart(user)
    with monkeypatch.context() as patch:
        patch.setattr(paying, "has_open_payment", lambda order_id: order_id == old.id)
        assert not end(old), "its payment may still be made"
        old.refresh_from_db()
    assert (old.status, CouponRedemption.objects.count()) == ("pending", 1)
    assert old.payment_in_progress_since is not None
    assert end(old)
    assert (old.status, old.failure_reason) == ("failed", "replaced")
    assert old.payment_in_progress_since is None
    assert not CouponRedemption.objects.exists()
    assert [event["order_id"] for event in events("orders.order_closed")] == [str(old.id)]
    assert Order.objects.get(id=new.order_id).status == "pending"


def test_money_of_somebody_erased_did_not_come(user, under_way):
    """There is nobody for whom one open order would be enough."""
    other = Order.objects.create(
        order_number="ORD-1998-00001", currency="usd", subtotal=1, total_amount=1,
        expires_at=timezone.now(),
    )  # fmt: skip
    user.delete()
    assert end(under_way)
    assert other.status == "pending"


def test_another_persons_payment_is_no_obstacle(under_way, fill):
    other = CartItemFactory.create(course=under_way.items.first().course).cart.user
    assert order_cart(other).created
