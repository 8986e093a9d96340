"""A course that its teacher took off sale while somebody's money for it is on its way."""

from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from api.v1.catalogue.detail import get_course_page
from api.v1.tests.plain_page import get_plain_page
from api.v1.tests.test_course_page import answer_of
from cart.models import CartItem
from courses.models import Course, Lesson
from enrollments.models import Enrollment
from orders.models import Order
from tests.factories import (
    CartItemFactory,
    CourseFactory,
    EnrollmentFactory,
    OrderFactory,
    OrderItemFactory,
    UserFactory,
    make_course,
    sign_in,
)
from users.models import User

pytestmark = pytest.mark.django_db

API = "/api/v1"
CART = f"{API}/cart/"


@pytest.fixture
def buyer() -> User:
    return UserFactory.create()


@pytest.fixture
def order(buyer: User) -> Order:
    return OrderFactory.create(user=buyer, payment_in_progress_since=timezone.now())


@pytest.fixture
def course(order: Order) -> Course:
    course = make_course(sections=1, lessons=2, status="archived")
    OrderItemFactory.create(order=order, course=course)
    return course


@pytest.fixture
def client(buyer: User) -> APIClient:
    return sign_in(buyer)


def told(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def pages_of(course: Course) -> list[str]:
    return [
        f"{API}/courses/{course.id}/", f"{API}/courses/{course.slug}/",
        f"{API}/courses/{course.id}/lessons/", f"{API}/courses/related/{course.id}/",
        f"{API}/courses/{course.id}/reviews/",
    ]  # fmt: skip


class TestItsPages:
    def test_who_is_paying_sees_them(self, client: APIClient, course: Course) -> None:
        page, *others = [client.get(path) for path in pages_of(course)]
        for answer in (page, *others):
            assert answer.status_code == 200
        assert page.json()["viewer"] == {"can_buy": False, "reason": "payment_in_progress"}
        first, second = page.json()["curriculum"][0]["lessons"]
        assert (bool(first["video_url"]), second["video_url"]) == (True, None)

    def test_nobody_else_does_nor_they_when_it_came_to_nothing(
        self, api: APIClient, client: APIClient, course: Course, order: Order
    ) -> None:
        pending = UserFactory.create()
        OrderItemFactory.create(order__user=pending, course=course)
        for path in pages_of(course):
            assert client.get(path).status_code == 200
            for other in (api, sign_in(pending)):
                assert told(other.get(path)) == (404, "COURSE_NOT_FOUND")
        Order.objects.filter(id=order.id).update(payment_in_progress_since=None)
        for path in pages_of(course):
            assert told(client.get(path)) == (404, "COURSE_NOT_FOUND")

    def test_they_are_kept_for_nobody(self, client: APIClient, course: Course) -> None:
        for path in pages_of(course):
            assert client.get(path)["Cache-Control"] == "private, no-store"

    def test_its_previews_are_open_and_no_other_lesson(
        self, api: APIClient, client: APIClient, course: Course
    ) -> None:
        first, second = Lesson.objects.filter(curriculum__course=course).order_by("order")
        assert client.get(f"{API}/lessons/{first.id}/").json()["video_url"]
        assert told(client.get(f"{API}/lessons/{second.id}/")) == (403, "LESSON_LOCKED")
        for other in (api, sign_in(UserFactory.create())):
            assert told(other.get(f"{API}/lessons/{first.id}/")) == (404, "LESSON_NOT_FOUND")

    def test_the_statement_says_what_the_orm_does(self, buyer: User, course: Course) -> None:
        for status in ("archived", "draft", "published"):
            Course.objects.update(status=status)
            for price in (10, 0):
                Course.objects.update(price=price, original_price=None)
                shown = answer_of(get_course_page, str(course.id), buyer)
                assert shown == answer_of(get_plain_page, str(course.id), buyer)

    def test_they_cost_the_same(
        self, client: APIClient, course: Course, django_assert_num_queries: Any
    ) -> None:
        for path, queries in zip(pages_of(course), (3, 3, 5, 4), strict=False):
            with django_assert_num_queries(queries):
                assert client.get(path).status_code == 200


class TestTheCart:
    def test_its_line_says_so(self, client: APIClient, buyer: User, course: Course) -> None:
        other = CourseFactory.create(status="archived")
        for one in (course, other):
            CartItemFactory.create(cart__user=buyer, course=one)
        lines = client.get(CART).json()["items"]
        reasons = {line["course"]["id"]: line["unavailable_reason"] for line in lines}
        assert reasons == {str(course.id): "PAYMENT_IN_PROGRESS", str(other.id): "NOT_FOR_SALE"}

    def test_it_is_not_put_in(self, client: APIClient, course: Course, order: Order) -> None:
        named = [
            {"course_id": str(course.id), "title": order.items.get().title_at_purchase,
             "order_id": str(order.id)}
        ]  # fmt: skip
        body = {"course_id": str(course.id)}
        for path in (f"{CART}items/", f"{API}/courses/{course.id}/enroll/"):
            answer = client.post(path, body)
            assert told(answer) == (409, "PAYMENT_IN_PROGRESS")
            assert answer.json()["error"]["details"]["courses"] == named
        merged = client.post(f"{CART}merge/", {"course_ids": [str(course.id)]}).json()
        assert merged["skipped"] == [{**body, "reason": "PAYMENT_IN_PROGRESS"}]
        assert told(client.post(f"{API}/wishlist/items/", body)) == (404, "COURSE_NOT_FOUND")
        assert not CartItem.objects.exists()
        assert not Enrollment.objects.exists()

    @pytest.mark.parametrize("price", [0, 10])
    def test_what_is_owned_is_said_first(
        self, client: APIClient, buyer: User, course: Course, price: int
    ) -> None:
        Course.objects.update(price=price, original_price=None)
        EnrollmentFactory.create(user=buyer, course=course)
        CartItemFactory.create(cart__user=buyer, course=course)
        (line,) = client.get(CART).json()["items"]
        assert line["unavailable_reason"] == "ALREADY_ENROLLED"
        body = {"course_id": str(course.id)}
        assert told(client.post(f"{CART}items/", body)) == (409, "ALREADY_ENROLLED")
        enrol = f"{API}/courses/{course.id}/enroll/"
        assert told(client.post(enrol)) == (409, "ALREADY_ENROLLED")
        assert client.get(pages_of(course)[0]).json()["viewer"]["reason"] == "already_enrolled"

    def test_what_is_ones_own_by_now_is_still_being_paid(
        self, client: APIClient, buyer: User, course: Course
    ) -> None:
        Course.objects.update(status="published", instructor=buyer)
        answer = client.post(f"{CART}items/", {"course_id": str(course.id)})
        assert told(answer) == (409, "PAYMENT_IN_PROGRESS")
        viewer = client.get(pages_of(course)[0]).json()["viewer"]
        assert viewer["reason"] == "payment_in_progress"
