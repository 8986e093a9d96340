"""From a cart through a card that is declined: one order, one intent, nothing lost."""

from decimal import Decimal

import pytest
from rest_framework.test import APIClient

from cart import services as cart_services
from devtools.stripe_standin.client import StandIn
from enrollments.models import Enrollment
from orders.models import CouponRedemption, Order
from payments import services
from payments.tests.conftest import Pay
from tests.factories import CartItemFactory, sign_in
from tests.factories.coupons import CouponFactory
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)

CREATE = "/api/v1/orders/create-from-cart/"
INTENT = "/api/v1/payments/create-payment-intent/"
CONFIRM = "/api/v1/payments/confirm-payment/"
CARD_DECLINED = "pm_card_chargeDeclined"
NEEDS_3DS = "pm_card_authenticationRequired"


@pytest.fixture
def client(buyer: User) -> APIClient:
    """The buyer, with a course of 20.00 and a coupon for half of it in the cart."""
    CartItemFactory.create(
        cart__user=buyer, course__price=Decimal("20.00"), course__original_price=None
    )
    CouponFactory.create(code="HALF", percent_off=50, max_redemptions=1)
    cart_services.set_coupon(user_id=buyer.id, code="HALF")
    return sign_in(buyer)


def try_to_pay(client: APIClient, pay: Pay, method: str) -> tuple[str, str]:
    """Do as the SPA does: order, intent, card, confirm; returns order, intent."""
    order = client.post(CREATE).json()
    body = client.post(INTENT, {"order_id": order["id"]}).json()
    assert body["amount"] == 1000
    placed = Order.objects.get(id=order["id"])
    assert placed.user_id is not None
    intent = services.create_payment_intent(order_id=placed.id, user_id=placed.user_id)
    pay(intent, method)
    return order["id"], intent.payment_intent_id


def confirm(client: APIClient, order_id: str, intent_id: str) -> str:
    answer = client.post(CONFIRM, {"order_id": order_id, "payment_intent_id": intent_id})
    assert answer.status_code == 200
    return str(answer.json()["status"])


def test_a_declined_card_and_another_one(client: APIClient, standin: StandIn, pay: Pay) -> None:
    first = try_to_pay(client, pay, CARD_DECLINED)
    assert confirm(client, *first) == "requires_payment_method"
    assert Order.objects.get().status == "pending"
    again = try_to_pay(client, pay, "pm_card_visa")
    assert again == first
    assert confirm(client, *again) == "succeeded"
    assert Order.objects.get().total_amount == Decimal("10.00")
    assert Enrollment.objects.count() == CouponRedemption.objects.count() == 1
    assert standin.counts()["payment_intents.create"] == 1
    assert client.get("/api/v1/cart/").json()["coupon"] is None


def test_three_d_secure(client: APIClient, standin: StandIn, pay: Pay) -> None:
    order_id, intent_id = try_to_pay(client, pay, NEEDS_3DS)
    assert confirm(client, order_id, intent_id) == "requires_action"
    # The buyer comes back to the cart instead of going on: the same order waits for them.
    assert client.post(CREATE).json()["id"] == order_id
    standin.authenticate(intent_id)
    assert confirm(client, order_id, intent_id) == "succeeded"
    assert Order.objects.get().status == "completed"
