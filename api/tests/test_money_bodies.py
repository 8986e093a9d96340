"""Every body in which money is at stake refuses a field that nobody reads."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.db import transaction

from cart.models import Cart, CartItem, WishlistItem
from courses.authoring_serializers import CourseCreateSerializer
from courses.models import Course
from orders.coupon_serializers import CouponSerializer, CouponTermsSerializer
from orders.models import Coupon, Order
from payments.models import Refund, RefundRequest
from tests.factories import (
    CartItemFactory,
    CategoryFactory,
    EnrollmentFactory,
    InstructorFactory,
    ReviewFactory,
    UserFactory,
    make_course,
    sign_in,
)
from tests.factories.coupons import CouponFactory

pytestmark = pytest.mark.django_db

ID = "0198c5f0-7c1a-7bd2-9a51-4d8f0b6a2c11"
ADDRESSES = (
    "/orders/", "/payments/", "/refund-requests/", "/cart/", "/wishlist/", "/instructor/",
)  # fmt: skip
# Each with a body that would be taken, but for the rows it names.
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("post", "/courses/"): {"title": "Rivers", "price": 10},
    ("patch", "/courses/{reference}/"): {"price": 10},
    ("post", "/cart/coupon/"): {"code": "SPRING"},
    ("post", "/cart/items/"): {"course_id": ID},
    ("post", "/cart/merge/"): {"course_ids": [ID]},
    ("post", "/wishlist/items/"): {"course_id": ID},
    ("post", "/orders/create-from-cart/"): {},
    ("post", "/orders/{order_id}/refunds/"): {},
    ("post", "/orders/{order_id}/refund-request/"): {},
    ("post", "/refund-requests/{request_id}/approve/"): {},
    ("post", "/refund-requests/{request_id}/refuse/"): {"reason": "No"},
    ("post", "/instructor/coupons/"): {"code": "SPRING", "percent_off": 10},
    ("patch", "/instructor/coupons/{coupon_id}/"): {"percent_off": 10},
    ("post", "/payments/create-payment-intent/"): {"order_id": ID},
    ("post", "/payments/confirm-payment/"): {"order_id": ID, "payment_intent_id": "pi_1"},
    ("post", "/instructor/payout-account/"): {"country": "DE"},
}
OPEN = {
    # Stripe's own, taken by its signature.
    ("post", "/payments/webhook/stripe/"),
    # A whole course as it was exported, by whatever version.
    ("post", "/courses/import/"),
}


def described() -> dict[str, Any]:
    document = yaml.safe_load(Path(settings.BASE_DIR, "docs", "openapi.yaml").read_text())
    assert isinstance(document, dict)
    return document


def holds_money(schema: Any, document: dict[str, Any]) -> bool:
    """Whether a body, or what is in it, has an amount."""
    if isinstance(schema, list):
        return any(holds_money(one, document) for one in schema)
    if not isinstance(schema, dict):
        return False
    if name := str(schema.get("$ref", "")).rpartition("/")[2]:
        return holds_money(document["components"]["schemas"][name], document)
    return schema.get("format") == "double" or any(
        holds_money(one, document) for one in schema.values()
    )


def test_every_body_with_money_in_it_is_in_the_list() -> None:
    document = described()
    found = set()
    for path, operations in document["paths"].items():
        for verb, operation in operations.items():
            body = operation.get("requestBody") if isinstance(operation, dict) else None
            short = path.removeprefix("/api/v1")
            if body and (short.startswith(ADDRESSES) or holds_money(body, document)):
                found.add((verb, short))
    # It has no fields, and so no body in the description.
    found.add(("post", "/refund-requests/{request_id}/approve/"))
    assert found == set(BODIES) | OPEN


def test_the_description_says_of_each_body_what_refuses_it() -> None:
    closed, open_ones = set(), set()
    for path, operations in described()["paths"].items():
        for verb, operation in operations.items():
            if not isinstance(operation, dict):
                continue
            texts = {
                status: answer.get("description", "")
                for status, answer in operation["responses"].items()
            }
            place = (verb, path.removeprefix("/api/v1"))
            if "`UNKNOWN_FIELD`" in texts.get("400", ""):
                closed.add(place)
            if "requestBody" in operation and "`VALIDATION_ERROR`" not in texts.get("422", ""):
                open_ones.add(place)
    assert closed == set(BODIES)
    # What Stripe sends is judged by its signature alone.
    assert open_ones == {("post", "/payments/webhook/stripe/")}


def test_bodies_that_are_not_described_so_take_a_field_that_nobody_reads() -> None:
    """Each with its example: done, or refused for another reason."""
    teacher = InstructorFactory.create(is_staff=True, is_superuser=True)
    course = make_course(instructor=teacher, sections=1, lessons=1)
    enrollment = EnrollmentFactory.create(user=teacher, course=course)
    section = course.curriculum.get()
    lesson = section.lessons.get()
    values = {
        "reference": course.id, "section_id": section.id, "lesson_id": lesson.id,
        "review_id": ReviewFactory.create(user=teacher).id, "enrollment_id": enrollment.id,
    }  # fmt: skip
    tried = 0
    for path, operations in described()["paths"].items():
        for verb, operation in operations.items():
            content = operation.get("requestBody", {}).get("content", {})
            place = (verb, path.removeprefix("/api/v1"))
            if "application/json" not in content or place in {*BODIES, *OPEN}:
                continue
            examples = content["application/json"].get("examples", {}).values()
            body = {**next((one["value"] for one in examples), {}), "nobody_reads_this": 1}
            if "lesson_id" in body:
                body["lesson_id"] = str(lesson.id)
            with transaction.atomic():
                answer = getattr(sign_in(teacher), verb)(path.format(**values), body, format="json")
                transaction.set_rollback(True)
            assert answer.status_code != 404, place
            assert b"nobody_reads_this" not in answer.content, place
            tried += 1
    assert tried > 20


@pytest.mark.parametrize(("verb", "path"), BODIES)
def test_a_field_that_nobody_reads_is_refused_and_nothing_done(verb: str, path: str) -> None:
    teacher = InstructorFactory.create(is_staff=True, is_superuser=True)
    coupon = CouponFactory.create(instructor=teacher)
    course = make_course(instructor=teacher)
    item = CartItemFactory.create(cart__user=teacher)
    names = {"reference": course.id, "coupon_id": coupon.id, "order_id": ID, "request_id": ID}
    address = "/api/v1" + path.format(**names)
    if "order_id" in path or "request_id" in path:
        address = address.replace(ID, str(prepare(teacher, path)))
    sellable = make_course()
    known = {
        name: value
        if name not in {"course_id", "course_ids"}
        else ([str(sellable.id)] if name == "course_ids" else str(sellable.id))
        for name, value in BODIES[verb, path].items()
    }
    before = counts()
    body = {**known, "amount": 1, "created_at": "2026-01-01T00:00:00Z"}
    answer = getattr(sign_in(teacher), verb)(address, body, format="json")
    told = answer.json()["error"]
    assert (answer.status_code, told["code"]) == (400, "UNKNOWN_FIELD"), told
    assert told["details"]["amount"][0].startswith("There is no such field.")
    assert counts() == before
    assert item.cart.coupon_code == ""


def test_so_is_one_within_a_billing_address() -> None:
    user = CartItemFactory.create().cart.user
    address = {
        "first_name": "Ada", "last_name": "Byron", "email": "ada@example.test",
        "address_line1": "Main St 1", "city": "Berlin", "postal_code": "10115", "country": "DE",
    }  # fmt: skip
    client, path = sign_in(user), "/api/v1/orders/create-from-cart/"
    answer = client.post(path, {"billing_address": {**address, "zip": "10115"}}, format="json")
    told = answer.json()["error"]
    assert (answer.status_code, told["code"]) == (400, "UNKNOWN_FIELD")
    assert told["details"] == {"billing_address": {"zip": ["There is no such field."]}}
    assert not Order.objects.exists()
    assert client.post(path, {"billing_address": address}, format="json").status_code == 201


def prepare(user: Any, path: str) -> Any:
    order = Order.objects.create(
        user=user, order_number="ORD-2026-00001", subtotal=10, total_amount=10, status="pending",
        currency="usd", expires_at="2100-01-01T00:00:00Z",
    )  # fmt: skip
    if "order_id" in path:
        return order.id
    return RefundRequest.objects.create(order=order, user=user, reason="").id


def counts() -> tuple[Any, ...]:
    return (
        Order.objects.count(), Refund.objects.count(), Coupon.objects.count(),
        Course.objects.count(), set(Course.objects.values_list("price", flat=True)),
        set(Coupon.objects.values_list("percent_off", flat=True)),
        set(RefundRequest.objects.values_list("status", flat=True)),
        set(Cart.objects.values_list("coupon_code", flat=True)),
        CartItem.objects.count(), WishlistItem.objects.count(),
    )  # fmt: skip


class TestTheOneThatGaveHalfPriceOnEverything:
    def test_course_for_course_id(self) -> None:
        teacher = InstructorFactory.create()
        course = make_course(instructor=teacher)
        body = {"code": "HALF", "percent_off": 50, "course": str(course.id)}
        answer = sign_in(teacher).post("/api/v1/instructor/coupons/", body)
        told = answer.json()["error"]
        assert (answer.status_code, told["code"]) == (400, "UNKNOWN_FIELD")
        assert told["details"] == {"course": ["There is no such field. Did you mean course_id?"]}
        assert not Coupon.objects.exists()

    @pytest.mark.parametrize("scope", ["nothing", "course", "anothers course", "category"])
    def test_what_reading_shows_may_be_sent_back(self, scope: str) -> None:
        teacher = InstructorFactory.create()
        course = make_course(instructor=InstructorFactory.create() if "an" in scope else teacher)
        coupon = CouponFactory.create(
            instructor=teacher,
            percent_off=10,
            course=course if "course" in scope else None,
            category=CategoryFactory.create() if scope == "category" else None,
        )
        client, address = sign_in(teacher), f"/api/v1/instructor/coupons/{coupon.id}/"
        read = client.get(address).json()
        assert set(read) == set(CouponSerializer().fields)
        assert [bool(read["course"]), bool(read["category"])] == [
            "course" in scope, scope == "category",
        ]  # fmt: skip
        answer = client.patch(address, read, format="json")
        assert (answer.status_code, answer.json()) == (200, read)
        answer = client.patch(address, {**read, "percent_off": 20, "redemptions": 7}, format="json")
        assert answer.status_code == 200, answer.json()
        assert (answer.json()["percent_off"], answer.json()["redemptions"]) == (20, 0)

    def test_a_course_that_was_read_and_one_that_is_set(self) -> None:
        """What is copied is for the same course; an id counts before what was read beside it."""
        teacher = InstructorFactory.create()
        course, other = (make_course(instructor=teacher) for _ in range(2))
        coupon = CouponFactory.create(instructor=teacher, course=course)
        client, path = sign_in(teacher), "/api/v1/instructor/coupons/"
        read = client.get(f"{path}{coupon.id}/").json()
        copy = client.post(path, {**read, "code": "COPY"}, format="json")
        assert (copy.status_code, copy.json()["course"]) == (201, read["course"])
        for course_id in (str(other.id), None):
            body = {**read, "course_id": course_id}
            answer = client.patch(f"{path}{coupon.id}/", body, format="json")
            assert answer.status_code == 200
            assert ((answer.json()["course"] or {}).get("id")) == course_id

    @pytest.mark.parametrize("field", ["course", "category"])
    @pytest.mark.parametrize(
        "value", [{"id": None}, {"id": ""}, {"id": " "}, {"id": 0}, {"id": []}, {"id": {}}, {}, []]
    )
    def test_what_no_reading_shows_is_not_taken_for_none(self, field: str, value: Any) -> None:
        teacher = InstructorFactory.create()
        course, category = make_course(instructor=teacher), CategoryFactory.create()
        client, path = sign_in(teacher), "/api/v1/instructor/coupons/"
        for_course = CouponFactory.create(instructor=teacher, percent_off=10, course=course)
        for_category = CouponFactory.create(instructor=teacher, percent_off=10, category=category)
        body = {"percent_off": 50, field: value}
        for answer in (
            client.post(path, {**body, "code": "HALF"}, format="json"),
            *(
                client.patch(f"{path}{coupon.id}/", body, format="json")
                for coupon in (for_course, for_category)
            ),
        ):
            assert answer.status_code == 400, answer.json()
            assert set(answer.json()["error"]["details"]) == {field}
        kept = Coupon.objects.order_by("id").values_list("percent_off", "course_id", "category_id")
        assert list(kept) == [(10, course.id, None), (10, None, category.id)]

    def test_no_course_as_read_takes_none_away(self) -> None:
        """It is right of a coupon that has none, of a new one, and beside an id that is set."""
        teacher = InstructorFactory.create()
        course = make_course(instructor=teacher)
        client, path = sign_in(teacher), "/api/v1/instructor/coupons/"
        coupon = CouponFactory.create(instructor=teacher, percent_off=10, course=course)
        address = f"{path}{coupon.id}/"
        answer = client.patch(address, {"percent_off": 50, "course": None}, format="json")
        assert answer.status_code == 422
        assert "`course_id`" in answer.json()["error"]["details"]["course"][0]
        coupon.refresh_from_db()
        assert (coupon.percent_off, coupon.course_id) == (10, course.id)
        for course_id in (str(course.id), None):
            body = {"course": None, "course_id": course_id}
            answer = client.patch(address, body, format="json")
            assert answer.status_code == 200
            assert (answer.json()["course"] or {}).get("id") == course_id
        answer = client.patch(address, {"percent_off": 50, "course": None}, format="json")
        assert (answer.status_code, answer.json()["percent_off"]) == (200, 50)
        new = {"code": "ALL", "percent_off": 10, "course": None, "category": None}
        answer = client.post(path, new, format="json")
        assert (answer.status_code, answer.json()["course"]) == (201, None)

    def test_a_course_may_be_sent_back_as_it_was_read(self) -> None:
        course = make_course(price=Decimal(10), category=CategoryFactory.create(slug="music"))
        client, address = sign_in(course.instructor), f"/api/v1/courses/{course.id}/"
        for shown in (client.get(address).json(), client.patch(address, {}, format="json").json()):
            body = {**shown, "price": 12, "category": "music"}
            for name in ("last_updated", "original_price", "preview_video_url"):
                body.pop(name, None)
            answer = client.patch(address, body, format="json")
            assert answer.status_code == 200, answer.json()


def test_all_that_a_coupon_shows_is_settable_shown_or_refused() -> None:
    settable = set(CouponTermsSerializer().fields)
    left = set(CouponSerializer().fields) - settable - CouponTermsSerializer.shown
    assert left == {"course", "code"}


def test_all_that_a_course_shows_may_be_sent_back() -> None:
    schemas = described()["components"]["schemas"]
    shown = {
        name for shape in ("CourseDetail", "OwnCourse") for name in schemas[shape]["properties"]
    }
    assert shown <= set(CourseCreateSerializer().fields) | CourseCreateSerializer.shown


def test_what_is_missing_and_what_is_too_much_are_told_together() -> None:
    answer = sign_in(UserFactory.create()).post(
        "/api/v1/payments/create-payment-intent/", {"order": ID}
    )
    assert answer.status_code == 400
    details = answer.json()["error"]["details"]
    assert details["order"] == ["There is no such field. Did you mean order_id?"]
    assert set(details) == {"order", "order_id"}


def test_a_body_full_of_them_is_answered_in_short() -> None:
    body = {f"field{number}": 1 for number in range(1000)}
    answer = sign_in(UserFactory.create()).post("/api/v1/orders/create-from-cart/", body)
    assert len(answer.json()["error"]["details"]) == 20
