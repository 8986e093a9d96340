"""Coupon codes can't be found by trying."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.factories import CartItemFactory, InstructorFactory, UserFactory
from tests.factories.coupons import CouponFactory
from tests.factories.people import sign_in

pytestmark = pytest.mark.django_db

COUPON = "/api/v1/cart/coupon/"
ORDER = "/api/v1/orders/create-from-cart/"
OWN = "/api/v1/instructor/coupons/"


@pytest.fixture(autouse=True)
def two_guesses(settings: Any) -> None:
    settings.THROTTLE_RATES = {**settings.THROTTLE_RATES, "coupon": "2/hour"}


@pytest.fixture
def client() -> APIClient:
    """Somebody with a full cart."""
    user = UserFactory.create()
    CartItemFactory.create(cart__user=user)
    return sign_in(user)


def test_who_guessed_too_often_can_name_no_more_codes_for_a_while(client: APIClient) -> None:
    CouponFactory.create(code="REAL", percent_off=10)
    assert client.post(COUPON, {"code": "GUESS1"}).status_code == 422
    assert client.post(ORDER, {"coupon_code": "GUESS2"}).status_code == 422
    for address, field in ((COUPON, "code"), (ORDER, "coupon_code")):
        answer = client.post(address, {field: "REAL"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (429, "RATE_LIMITED")
        assert 3500 < int(answer["Retry-After"]) <= 3600
    # Buying goes on without one, and others are nobody's concern.
    assert client.post(ORDER, {}).status_code == 201
    other = UserFactory.create()
    CartItemFactory.create(cart__user=other)
    assert sign_in(other).post(COUPON, {"code": "REAL"}).status_code == 200


def test_only_codes_that_do_not_exist_count(client: APIClient) -> None:
    CouponFactory.create(code="REAL", percent_off=10)
    CouponFactory.create(code="ENDED", percent_off=10, is_active=False)
    for _ in range(3):
        assert client.post(COUPON, {"code": "REAL"}).status_code == 200
        assert client.post(COUPON, {"code": "ENDED"}).status_code == 422
        assert client.post(COUPON, {}).status_code == 400
    assert client.post(ORDER, {"coupon_code": "real"}).status_code == 201


def test_who_makes_up_codes_learns_no_more_than_who_guesses() -> None:
    """Whether a code is taken is what a guess tells; anybody may become an instructor."""
    CouponFactory.create(code="REAL", percent_off=10)
    teacher = InstructorFactory.create()
    client = sign_in(teacher)
    for number in range(5):
        made = client.post(OWN, {"code": f"GUESS{number}", "percent_off": 10})
        assert made.status_code == 201
        client.delete(f"{OWN}{made.json()['id']}/")
        assert client.post(OWN, {"code": "REAL", "percent_off": 10}).status_code == 409
        assert client.post(OWN, {"code": "REAL", "percent_off": 101}).status_code == 422
    answer = client.post(OWN, {"code": "GUESS6", "percent_off": 10})
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "RATE_LIMITED")
    assert (
        sign_in(InstructorFactory.create())
        .post(OWN, {"code": "GUESS6", "percent_off": 10})
        .status_code
        == 201
    )
    # What they name as a buyer is counted apart.
    CartItemFactory.create(cart__user=teacher)
    assert client.post(COUPON, {"code": "REAL"}).status_code == 200
