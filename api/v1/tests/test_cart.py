"""The cart with its coupon over HTTP: shapes, refusals, what ordering makes of it."""

import datetime as dt
from decimal import Decimal

import pytest
from django.utils import timezone

from api.v1.cart import CartCouponSerializer, PricedCartSerializer, PricedLineSerializer
from cart.models import Cart, CartItem
from cart.serializers import CourseInCartSerializer
from courses.models import Course
from orders.models import CouponRedemption, Order
from tests.factories import (
    CartItemFactory,
    CourseFactory,
    EnrollmentFactory,
    OrderFactory,
    OrderItemFactory,
    UserFactory,
    sign_in,
)
from tests.factories.coupons import CouponFactory, redeem

pytestmark = pytest.mark.django_db

CART = "/api/v1/cart/"
COUPON = "/api/v1/cart/coupon/"
MERGE = "/api/v1/cart/merge/"
CREATE = "/api/v1/orders/create-from-cart/"


@pytest.fixture
def user():
    return UserFactory.create()


@pytest.fixture
def client(user):
    return sign_in(user)


def fill(user, *prices, **fields):
    courses = [
        CourseFactory.create(price=Decimal(price), original_price=None, **fields)
        for price in prices
    ]
    for course in courses:
        CartItemFactory.create(cart__user=user, course=course)
    return courses


def apply(client, code="TEN"):
    return client.post(COUPON, {"code": code})


def refusal(answer):
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert error["code"] == "COUPON_INVALID"
    return error["details"]["reason"]


def test_a_new_persons_cart_is_empty_and_stays_the_same(client):
    first = client.get(CART)
    assert first.status_code == 200
    body = first.json()
    assert body == {
        "id": str(Cart.objects.get().id),
        "items": [],
        "total_items": 0,
        "total_price": 0.0,
        "total_original_price": 0.0,
        "total_discount": 0.0,
        "currency": "usd",
        "coupon": None,
        "discount_amount": 0.0,
        "total_amount": 0.0,
    }
    assert client.get(CART).json() == body


def test_the_cart_has_the_plans_shape(client, user):
    course = CourseFactory.create(price=Decimal("89.99"), original_price=Decimal("129.99"))
    CartItemFactory.create(cart__user=user, course=course)
    fill(user, "79.99", thumbnail="course_thumbnails/a.png")
    body = client.get(CART).json()
    assert body["total_items"] == 2
    assert body["total_price"] == body["total_amount"] == 169.98
    assert body["total_original_price"] == 209.98
    assert body["total_discount"] == 40.0
    first, second = body["items"]
    assert set(body) == set(PricedCartSerializer().fields)
    assert set(first) == set(PricedLineSerializer().fields)
    assert set(first["course"]) == set(CourseInCartSerializer().fields)
    assert first["course"]["price"] == 89.99
    assert first["course"]["original_price"] == 129.99
    assert first["course"]["thumbnail"] is None
    assert first["added_at"].endswith("Z")
    assert second["course"]["original_price"] is None
    assert second["course"]["thumbnail"] == "http://testserver/media/course_thumbnails/a.png"
    for amount in ("total_price", "total_original_price", "total_discount", "discount_amount"):
        assert isinstance(body[amount], float)


def test_merging_answers_the_cart_and_what_became_of_each(client, user):
    CouponFactory.create(code="TEN")
    course, draft = CourseFactory.create(), CourseFactory.create(status="draft")
    fill(user, "10.00")
    apply(client)
    answer = client.post(MERGE, {"course_ids": [str(course.id), str(draft.id)]})
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {*PricedCartSerializer().fields, "added", "skipped"}
    assert body["added"] == [str(course.id)]
    assert body["skipped"] == [{"course_id": str(draft.id), "reason": "COURSE_NOT_FOUND"}]
    assert (body["total_items"], body["coupon"]["code"]) == (2, "TEN")


class TestCoupon:
    def test_the_cart_shows_what_it_takes_off(self, client, user):
        fill(user, "10.00", "10.00", "10.03")
        CouponFactory.create(code="TEN")
        body = apply(client, " ten ").json()
        assert set(body["coupon"]) == set(CartCouponSerializer().fields)
        assert body["coupon"] == {
            "code": "TEN",
            "valid": True,
            "reason": None,
            "percent_off": 10,
            "amount_off": None,
            "discount_amount": 3.0,
        }
        assert (body["total_price"], body["discount_amount"]) == (30.03, 3.0)
        assert body["total_amount"] == 27.03
        shares = [Decimal(str(item["discount_amount"])) for item in body["items"]]
        assert sum(shares) == Decimal("3.00")
        assert client.get(CART).json() == body
        assert not CouponRedemption.objects.exists()

    def test_another_takes_its_place(self, client, user):
        fill(user, "10.00")
        CouponFactory.create(code="TEN")
        CouponFactory.create(code="FIVE", percent_off=None, amount_off=Decimal("5.00"))
        apply(client, "TEN")
        body = apply(client, "FIVE").json()
        assert (body["coupon"]["code"], body["discount_amount"]) == ("FIVE", 5.0)
        assert (body["coupon"]["percent_off"], body["coupon"]["amount_off"]) == (None, 5.0)

    def test_a_refused_one_leaves_the_one_before(self, client, user):
        fill(user, "10.00")
        CouponFactory.create(code="TEN")
        apply(client)
        assert refusal(apply(client, "NOPE")) == "unknown"
        assert client.get(CART).json()["coupon"]["code"] == "TEN"

    def test_taking_it_off_is_idempotent(self, client, user):
        assert client.delete(COUPON).status_code == 204
        fill(user, "10.00")
        CouponFactory.create(code="TEN")
        apply(client)
        assert client.delete(COUPON).status_code == 204
        assert client.delete(COUPON).status_code == 204
        body = client.get(CART).json()
        assert (body["coupon"], body["discount_amount"], body["total_amount"]) == (None, 0, 10)

    def test_emptying_the_cart_takes_it_off(self, client, user):
        fill(user, "10.00")
        CouponFactory.create(code="TEN")
        apply(client)
        client.delete(CART)
        assert client.get(CART).json()["coupon"] is None

    def test_it_is_ones_own_carts(self, client, user):
        other = UserFactory.create()
        for person in (user, other):
            fill(person, "10.00")
        CouponFactory.create(code="TEN")
        apply(client)
        assert sign_in(other).get(CART).json()["coupon"] is None
        sign_in(other).delete(COUPON)
        assert client.get(CART).json()["coupon"]["code"] == "TEN"

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            ({}, 400),
            ({"code": None}, 400),
            ({"code": 5}, 400),
            ([], 400),
            ({"code": " "}, 422),
            ({"code": "x" * 51}, 422),
            ({"code": "A\u0000"}, 400),
        ],
    )
    def test_bodies_that_are_refused(self, client, user, body, status):
        fill(user, "10.00")
        assert client.post(COUPON, body).status_code == status

    def test_one_that_no_longer_applies_stays_and_says_why(self, client, user):
        fill(user, "10.00")
        coupon = CouponFactory.create(code="TEN")
        apply(client)
        coupon.valid_until = timezone.now()
        coupon.save()
        body = client.get(CART).json()
        assert (body["coupon"]["valid"], body["coupon"]["reason"]) == (False, "expired")
        assert (body["discount_amount"], body["total_amount"]) == (0, 10)
        # Nobody is charged more than they saw when they put it there.
        assert refusal(client.post(CREATE)) == "expired"
        assert not Order.objects.exists()
        client.delete(COUPON)
        assert client.post(CREATE).json()["total_amount"] == 10.0

    def test_one_that_is_gone_is_unknown(self, client, user):
        fill(user, "10.00")
        coupon = CouponFactory.create(code="TEN")
        apply(client)
        coupon.delete()
        shown = client.get(CART).json()["coupon"]
        assert (shown["reason"], shown["percent_off"], shown["amount_off"]) == (
            "unknown", None, None,
        )  # fmt: skip
        assert refusal(client.post(CREATE)) == "unknown"

    def test_lines_that_cannot_be_bought_count_for_nothing(self, client, user):
        (gone, _) = fill(user, "40.00", "10.00")
        CouponFactory.create(code="TEN", minimum_amount=Decimal("20.00"))
        apply(client)
        Course.objects.filter(id=gone.id).update(status="archived")
        body = client.get(CART).json()
        assert body["coupon"]["reason"] == "below_minimum"
        assert [item["discount_amount"] for item in body["items"]] == [0, 0]

    def test_ones_own_pending_order_does_not_use_it_up(self, client, user):
        fill(user, "10.00")
        CouponFactory.create(code="TEN", max_redemptions=1, max_redemptions_per_person=1)
        apply(client)
        order = client.post(CREATE).json()
        assert (order["coupon_code"], order["total_amount"]) == ("TEN", 9.0)
        assert client.get(CART).json()["coupon"]["valid"] is True
        assert apply(client).status_code == 200
        assert client.post(CREATE).json() == order
        fill(user, "10.00")
        assert client.post(CREATE).json()["total_amount"] == 18.0

    @pytest.mark.parametrize("count", [1, 20])
    def test_it_takes_two_queries_more(self, client, user, count, django_assert_num_queries):
        fill(user, *["10.00"] * count)
        CouponFactory.create(code="TEN")
        # person, cart, what is being paid for, lines, courses, what is owned
        with django_assert_num_queries(6):
            client.get(CART)
        apply(client)
        with django_assert_num_queries(8):  # and the coupon, and its uses
            assert client.get(CART).json()["discount_amount"] == count


def test_what_is_being_paid_for_counts_in_no_price(client, user):
    first, second = fill(user, "10.00", "20.00")
    CouponFactory.create(code="TEN", percent_off=10)
    order = OrderFactory.create(user=user, payment_in_progress_since=timezone.now())
    OrderItemFactory.create(order=order, course=first)
    cart = apply(client).json()
    shown = {line["course"]["id"]: line["unavailable_reason"] for line in cart["items"]}
    assert shown == {str(first.id): "PAYMENT_IN_PROGRESS", str(second.id): None}
    assert (cart["total_items"], cart["total_price"], cart["total_amount"]) == (2, 20.0, 18.0)
    assert client.post(CREATE).json()["error"]["code"] == "PAYMENT_IN_PROGRESS"


def test_what_is_being_paid_for_cannot_be_put_into_the_cart(client, user):
    paid_for, other = fill(UserFactory.create(), "10.00", "20.00")
    order = OrderFactory.create(user=user, payment_in_progress_since=timezone.now())
    OrderItemFactory.create(order=order, course=paid_for)
    wish = client.post("/api/v1/wishlist/items/", {"course_id": paid_for.id}, format="json").json()
    listed = client.get("/api/v1/wishlist/").json()["results"]
    for line in (wish, *listed):
        assert (line["available"], line["unavailable_reason"]) == (False, "PAYMENT_IN_PROGRESS")
    named = [
        {"course_id": str(paid_for.id), "title": order.items.get().title_at_purchase,
         "order_id": str(order.id)}
    ]  # fmt: skip
    for path, body in (
        (f"{CART}items/", {"course_id": paid_for.id}),
        (f"/api/v1/wishlist/items/{wish['id']}/move-to-cart/", {}),
    ):
        answer = client.post(path, body, format="json")
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (409, "PAYMENT_IN_PROGRESS")
        assert error["details"]["courses"] == named
    merged = client.post(
        f"{CART}merge/", {"course_ids": [paid_for.id, other.id]}, format="json"
    ).json()
    assert merged["skipped"] == [{"course_id": str(paid_for.id), "reason": "PAYMENT_IN_PROGRESS"}]
    assert [line["course"]["id"] for line in merged["items"]] == [str(other.id)]
    Order.objects.update(payment_in_progress_since=None)
    added = client.post(f"{CART}items/", {"course_id": paid_for.id}, format="json")
    assert added.status_code == 201


class TestReasons:
    """Each word that says why, on the cart as on the order."""

    def refuse(self, client, **fields):
        CouponFactory.create(code="TEN", **fields)
        reason = refusal(apply(client))
        assert refusal(client.post(CREATE, {"coupon_code": "TEN"})) == reason
        assert not Order.objects.filter(coupon__code="TEN", status="pending").exists()
        return reason

    def test_unknown(self, client, user):
        fill(user, "10.00")
        assert refusal(apply(client)) == "unknown"
        assert refusal(client.post(CREATE, {"coupon_code": "TEN"})) == "unknown"

    @pytest.mark.parametrize(
        ("fields", "reason"),
        [
            ({"is_active": False}, "inactive"),
            ({"valid_from": timezone.now() + dt.timedelta(days=1)}, "not_started"),
            ({"valid_until": timezone.now() - dt.timedelta(days=1)}, "expired"),
            ({"max_redemptions": 0}, "used_up"),
            ({"max_redemptions_per_person": 0}, "used_by_you"),
            ({"minimum_amount": Decimal("10.01")}, "below_minimum"),
            ({"percent_off": None, "amount_off": Decimal("9.51")}, "below_charge_minimum"),
            ({"percent_off": 99}, "below_charge_minimum"),
        ],
    )
    def test_of_the_coupon(self, client, user, fields, reason):
        fill(user, "10.00")
        assert self.refuse(client, **fields) == reason

    @pytest.mark.parametrize(
        "fields",
        [
            {"minimum_amount": Decimal("10.00")},
            {"percent_off": None, "amount_off": Decimal("9.50")},
            {"percent_off": 100},
            {"valid_from": timezone.now() - dt.timedelta(days=1)},
            {"valid_until": timezone.now() + dt.timedelta(days=1)},
            {"max_redemptions": 1, "max_redemptions_per_person": 1},
        ],
    )
    def test_just_within(self, client, user, fields):
        fill(user, "10.00")
        CouponFactory.create(code="TEN", **fields)
        assert apply(client).status_code == 200
        assert client.post(CREATE).status_code == 201

    def test_below_minimum_says_the_minimum(self, client, user):
        fill(user, "10.00")
        CouponFactory.create(code="TEN", minimum_amount=Decimal("10.01"))
        details = apply(client).json()["error"]["details"]
        assert details == {"code": "TEN", "reason": "below_minimum", "minimum_amount": 10.01}

    def test_not_applicable(self, client, user):
        fill(user, "10.00")
        assert self.refuse(client, course=CourseFactory.create()) == "not_applicable"

    def test_an_empty_cart(self, client):
        CouponFactory.create(code="TEN")
        assert refusal(apply(client)) == "not_applicable"

    def test_used_by_others_and_by_oneself(self, client, user):
        fill(user, "10.00")
        coupon = CouponFactory.create(code="TEN", max_redemptions=1)
        redeem(coupon, OrderFactory.create(status="completed", completed_at=timezone.now()))
        assert refusal(apply(client)) == "used_up"
        coupon.max_redemptions, coupon.max_redemptions_per_person = 3, 1
        coupon.save()
        redeem(coupon, OrderFactory.create(user=user, status="refunded"))
        assert refusal(apply(client)) == "used_by_you"
        coupon.max_redemptions_per_person = 2
        coupon.save()
        assert apply(client).status_code == 200


def test_ordering_takes_the_carts_coupon_and_payment_takes_it_off(client, user):
    fill(user, "10.00")
    CouponFactory.create(code="ALL", percent_off=100)
    CouponFactory.create(code="TEN")
    apply(client, "TEN")
    pending = client.post(CREATE).json()
    assert (pending["coupon_code"], pending["status"]) == ("TEN", "pending")
    assert client.get(CART).json()["coupon"]["code"] == "TEN"
    apply(client, "ALL")
    assert client.post(CREATE).json()["status"] == "completed"
    assert client.get(CART).json()["coupon"] is None
    assert not CartItem.objects.exists()


@pytest.mark.parametrize("given", [{}, {"coupon_code": None}, {"coupon_code": " "}])
def test_no_code_in_the_body_is_the_carts(client, user, given):
    fill(user, "10.00")
    CouponFactory.create(code="TEN")
    apply(client)
    assert client.post(CREATE, given).json()["coupon_code"] == "TEN"


def test_the_bodys_code_goes_first(client, user):
    fill(user, "10.00")
    CouponFactory.create(code="TEN")
    CouponFactory.create(code="HALF", percent_off=50)
    apply(client)
    order = client.post(CREATE, {"coupon_code": "half"}).json()
    assert (order["coupon_code"], order["total_amount"]) == ("HALF", 5.0)
    assert client.get(CART).json()["coupon"]["code"] == "TEN"


def test_an_owned_course_is_no_ground_for_a_coupon(client, user):
    (course,) = fill(user, "10.00")
    EnrollmentFactory.create(user=user, course=course)
    CouponFactory.create(code="TEN")
    assert refusal(apply(client)) == "not_applicable"


@pytest.mark.parametrize("method", ["post", "delete"])
def test_nobody_anonymous(api, method):
    assert getattr(api, method)(COUPON).status_code == 401
