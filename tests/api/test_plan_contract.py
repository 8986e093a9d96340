"""Every path of the plan's section 4 answers with every field of the plan, in one journey."""

from decimal import Decimal
from typing import Any

import httpx
import pytest
from rest_framework.test import APIClient

from core import outbox
from courses.models import Category
from devtools.stripe_standin.client import StandIn
from enrollments.tasks import issue_missing_certificates
from reviews.models import Review
from tests.api.plan_shapes import SHAPES, differences
from tests.factories import ReviewFactory, make_course
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)

API = "/api/v1"
PASSWORD = "SecurePassword123!"
ADDRESS = {
    "first_name": "John",
    "last_name": "Doe",
    "email": "john@example.com",
    "address_line1": "123 Main St",
    "address_line2": "Apt 4B",
    "city": "San Francisco",
    "state": "CA",
    "postal_code": "94105",
    "country": "US",
    "phone": "+1234567890",
}


class Journey:
    """An API client that compares each answer with the plan's example and notes what it saw."""

    def __init__(self) -> None:
        self.client = APIClient()
        self.seen: set[str] = set()

    def call(self, shape: str, path: str, body: Any = None, *, status: int = 200) -> Any:
        method = shape.split(maxsplit=1)[0].lower()
        answer = getattr(self.client, method)(f"{API}{path}", body, format="json")
        assert answer.status_code == status, answer.content
        assert differences(SHAPES[shape], answer.json()) == []
        self.seen.add(shape)
        return answer.json()

    def sign_in(self, token: str) -> None:
        self.client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")


def test_the_whole_plan(standin: StandIn) -> None:
    bought = make_course(title="Complete Web Development Bootcamp", price=Decimal("89.99"))
    free = make_course(price=Decimal(0), original_price=None, category=bought.category)
    third = make_course(category=bought.category)
    ReviewFactory.create(course=bought)
    journey = Journey()
    call = journey.call

    person = {"email": "user@example.com", "first_name": "John", "last_name": "Doe"}
    call("POST /auth/register/", "/auth/register/", {**person, "password": PASSWORD}, status=201)
    login = call(
        "POST /auth/login/", "/auth/login/", {"email": person["email"], "password": PASSWORD}
    )
    fresh = call("POST /auth/refresh/", "/auth/refresh/", {"refresh": login["refresh_token"]})
    journey.sign_in(fresh["access"])
    call("GET /auth/me/", "/auth/me/")
    call("GET /users/profile/", "/users/profile/")
    change = {
        "first_name": "John",
        "last_name": "Doe",
        "bio": "Updated bio",
        "phone": "+1234567890",
        "country": "USA",
        "timezone": "America/Los_Angeles",
    }
    call("PUT /users/profile/", "/users/profile/", change)

    call("GET /categories/", "/categories/")
    call(
        "GET /courses/", "/courses/?page=1&page_size=20&level=beginner&min_price=0&ordering=popular"
    )
    call("GET /courses/{id}/", f"/courses/{bought.id}/")
    call("GET /courses/related/{id}/", f"/courses/related/{bought.id}/")
    call("GET /courses/{id}/reviews/", f"/courses/{bought.id}/reviews/?ordering=-helpful_count")
    # All three kinds have to be found by one word.
    Category.objects.filter(courses=bought).update(name="Web things")
    User.objects.filter(courses_taught=bought).update(last_name="Weber")
    _refresh_search(bought.id)
    call("GET /search/", "/search/?q=web")

    call("POST /cart/items/", "/cart/items/", {"course_id": str(bought.id)}, status=201)
    call("GET /cart/", "/cart/")
    order = call(
        "POST /orders/create-from-cart/", "/orders/create-from-cart/",
        {"billing_address": ADDRESS}, status=201,
    )  # fmt: skip
    intent = call(
        "POST /payments/create-payment-intent/", "/payments/create-payment-intent/",
        {"order_id": order["id"]}, status=201,
    )  # fmt: skip
    intent_id = intent["client_secret"].split("_secret_")[0]
    _pay(standin, intent_id, intent["client_secret"])
    call(
        "POST /payments/confirm-payment/", "/payments/confirm-payment/",
        {"order_id": order["id"], "payment_intent_id": intent_id},
    )  # fmt: skip
    call("GET /orders/", "/orders/?status=completed")
    call("GET /orders/{id}/", f"/orders/{order['id']}/")

    call("POST /courses/{id}/enroll/", f"/courses/{free.id}/enroll/", status=201)
    call("GET /dashboard/continue-learning/", "/dashboard/continue-learning/")
    call("GET /dashboard/recommendations/", "/dashboard/recommendations/")
    _learn(journey, str(bought.id))
    review = {"rating": 5, "title": "Amazing course", "comment": "Explains everything clearly"}
    call("POST /courses/{id}/reviews/", f"/courses/{bought.id}/reviews/", review, status=201)
    assert Review.objects.count() == 2
    call("GET /dashboard/stats/", "/dashboard/stats/")
    call("GET /courses/{id}/", f"/courses/{bought.id}/")

    call(
        "PUT /users/change-password/", "/users/change-password/",
        {"old_password": PASSWORD, "new_password": "NewPassword123!"},
    )  # fmt: skip
    call("GET /health/", "/health/")
    call("POST /auth/logout/", "/auth/logout/")
    assert journey.client.get(f"{API}/auth/me/").status_code == 401
    assert third.is_published
    assert set(SHAPES) - journey.seen == set()


def _learn(journey: Journey, course_id: str) -> None:
    page = journey.call("GET /enrollments/", "/enrollments/?status=active")
    enrollment = next(row for row in page["results"] if row["course"]["id"] == course_id)
    detail = journey.call("GET /enrollments/{id}/", f"/enrollments/{enrollment['id']}/")
    for section in detail["course"]["curriculum"]:
        for lesson in section["lessons"]:
            journey.call(
                "POST /enrollments/{id}/mark-lesson-complete/",
                f"/enrollments/{enrollment['id']}/mark-lesson-complete/",
                {"lesson_id": lesson["id"]},
            )
    outbox.deliver_due()
    issue_missing_certificates()
    done = journey.call("GET /enrollments/{id}/", f"/enrollments/{enrollment['id']}/")
    assert done["is_completed"]
    assert done["certificate_url"].endswith("/download/")


def _pay(standin: StandIn, intent_id: str, client_secret: str) -> None:
    answer = httpx.post(
        f"{standin.url}/v1/payment_intents/{intent_id}/confirm",
        data={"client_secret": client_secret, "payment_method": "pm_card_visa"},
        auth=(standin.publishable_key, ""),
        trust_env=False,
        timeout=60,
    )
    assert answer.json()["status"] == "succeeded"


def _refresh_search(course_id: Any) -> None:
    from courses.services import refresh_search

    refresh_search(course_ids=[course_id])
