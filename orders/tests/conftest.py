"""A buyer with a cart, and ways to fill it."""

from decimal import Decimal

import pytest
from django.db import transaction

from core.models import OutboxEvent
from orders import services
from orders.models import Order
from tests.factories import CartItemFactory, CourseFactory, UserFactory


@pytest.fixture
def user():
    return UserFactory.create()


@pytest.fixture
def fill():
    """Put courses of the given prices into somebody's cart; returns the courses."""

    def fill_cart(user, *prices):
        courses = [
            CourseFactory.create(price=Decimal(price), original_price=None) for price in prices
        ]
        for course in courses:
            CartItemFactory.create(cart__user=user, course=course)
        return courses

    return fill_cart


@pytest.fixture
def place(fill):
    """Order courses of the given prices; returns the order."""

    def place_order(user, *prices, coupon_code=None, billing_address=None):
        fill(user, *prices)
        created = services.create_from_cart(
            user_id=user.id, billing_address=billing_address or {}, coupon_code=coupon_code
        )
        return Order.objects.get(id=created.order_id)

    return place_order


@pytest.fixture
def pay():
    """Pay an order as it is, in a transaction of its own; what is given replaces its facts."""

    def pay_order(order, **changed):
        facts = {
            "payment_id": f"pi_{order.order_number}",
            "transaction_id": f"ch_{order.order_number}",
            "amount": order.total_amount,
            "currency": order.currency,
        }
        with transaction.atomic():
            [outcome] = services.mark_all_paid(
                payments=[services.PaidOrder(order_id=order.id, **{**facts, **changed})]
            )
            if outcome.kind == "completed":
                services.finish_orders(order_ids=[order.id])
            return outcome

    return pay_order


@pytest.fixture
def events():
    """The payloads of recorded events by name, oldest first."""

    def payloads(name):
        rows = OutboxEvent.objects.filter(name=name).order_by("recorded_at", "id")
        return list(rows.values_list("payload", flat=True))

    return payloads
