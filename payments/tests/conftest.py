"""A buyer with a pending order, and a browser that pays."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx
import pytest

from devtools.stripe_standin.client import StandIn
from orders.models import Order
from payments import services
from tests.factories import OrderFactory, OrderItemFactory, UserFactory, make_course
from users.models import User


@pytest.fixture
def buyer() -> User:
    return UserFactory.create()


@pytest.fixture
def order(buyer: User) -> Order:
    """A pending order of two courses, 99.98 in all."""
    order = OrderFactory.create(user=buyer, subtotal=Decimal("99.98"))
    for _ in range(2):
        OrderItemFactory.create(order=order, course=make_course())
    return order


Pay = Callable[..., dict[str, Any]]


@pytest.fixture
def pay(standin: StandIn) -> Pay:
    """Confirm an intent as Stripe.js does: with the publishable key and the client secret."""

    def confirm(intent: services.PaymentIntent, method: str = "pm_card_visa") -> dict[str, Any]:
        answer = httpx.post(
            f"{standin.url}/v1/payment_intents/{intent.payment_intent_id}/confirm",
            data={"client_secret": intent.client_secret, "payment_method": method},
            auth=(standin.publishable_key, ""),
            trust_env=False,
            timeout=60,
        )
        body: dict[str, Any] = answer.json()
        return body

    return confirm


def start_payment(order: Order) -> services.PaymentIntent:
    assert order.user_id is not None
    return services.create_payment_intent(order_id=order.id, user_id=order.user_id)


def confirm(order: Order, intent: services.PaymentIntent) -> services.Confirmation:
    assert order.user_id is not None
    return services.confirm_payment(
        order_id=order.id, user_id=order.user_id, payment_intent_id=intent.payment_intent_id
    )
