"""Ending an order unpaid, and finding those that are due."""

import datetime as dt

import pytest
from django.utils import timezone

from cart.models import CartItem
from core.ids import new_id
from enrollments.errors import PaymentInProgress
from orders import selectors, services
from orders.errors import OrderNotFound
from orders.models import CouponRedemption, Order
from tests.factories import OrderFactory
from tests.factories.coupons import CouponFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("reason", ["replaced", "canceled"])
def test_closing_a_pending_order(user, place, events, reason):
    CouponFactory.create(code="TEN", max_redemptions=1)
    order = place(user, "10.00", coupon_code="TEN")
    assert services.close_order(order_id=order.id, reason=reason)
    order.refresh_from_db()
    assert (order.status, order.failure_reason) == ("failed", reason)
    assert order.items.get().state == "canceled"
    assert order.completed_at is None
    assert order.coupon.code == "TEN"
    assert not CouponRedemption.objects.exists()
    assert CartItem.objects.count() == 1
    assert events("orders.order_closed") == [
        {"order_id": str(order.id), "user_id": str(user.id), "reason": reason}
    ]


@pytest.mark.parametrize("status", ["completed", "failed", "refunded"])
def test_what_is_not_pending_stays(status, events):
    order = OrderFactory.create(status=status, completed_at=timezone.now())
    assert not services.close_order(order_id=order.id, reason="canceled")
    order.refresh_from_db()
    assert (order.status, order.failure_reason) == (status, "")
    assert events("orders.order_closed") == []


def test_only_what_is_overdue_expires(user, place, events):
    order = place(user, "10.00")
    assert not services.close_order(order_id=order.id, reason="expired")
    assert events("orders.order_closed") == []
    Order.objects.update(expires_at=timezone.now())
    assert services.close_order(order_id=order.id, reason="expired")
    order.refresh_from_db()
    assert order.failure_reason == "expired"


def test_an_order_whose_money_is_on_its_way_stays(user, place, events):
    order = place(user, "10.00")
    Order.objects.update(payment_in_progress_since=timezone.now(), expires_at=timezone.now())
    for reason in ("canceled", "expired", "replaced"):
        with pytest.raises(PaymentInProgress) as refused:
            services.close_order(order_id=order.id, reason=reason)
    line = order.items.get()
    assert refused.value.details == {
        "courses": [
            {
                "course_id": str(line.course_id),
                "title": line.title_at_purchase,
                "order_id": str(order.id),
            }
        ]
    }
    order.refresh_from_db()
    assert (order.status, order.items.get().state) == ("pending", "pending")
    assert events("orders.order_closed") == []


def test_an_unknown_order():
    with pytest.raises(OrderNotFound):
        services.close_order(order_id=new_id(), reason="canceled")


def test_listing_what_is_due():
    now = timezone.now()
    late, later = (
        OrderFactory.create(expires_at=now - dt.timedelta(hours=hours)) for hours in (1, 2)
    )
    OrderFactory.create(expires_at=now + dt.timedelta(hours=1))
    OrderFactory.create(expires_at=now - dt.timedelta(hours=3), status="failed")
    OrderFactory.create(expires_at=now - dt.timedelta(hours=4), payment_in_progress_since=now)
    long_ago = now - dt.timedelta(days=1)

    def due(after, limit=10):
        return [one for one, _ in selectors.list_expired_orders(after=after, limit=limit)]

    assert due(long_ago) == [later.id, late.id]
    assert due(long_ago, limit=1) == [later.id]
    # On from where a sweep stopped, and then from the beginning.
    assert due(later.expires_at) == [late.id, later.id]
    assert due(late.expires_at) == [later.id, late.id]
