"""Registering."""

from typing import Any

import pytest
from django.db import IntegrityError
from rest_framework.test import APIClient

from core.models import OutboxEvent
from tests.factories import UserFactory
from tests.parallel import run_in_parallel
from users import services
from users.errors import EmailTaken
from users.models import Session, User, UserProfile
from users.tests.conftest import code_of, is_alive, refresh

URL = "/api/v1/auth/register/"
BODY = {
    "email": "Ada@Example.test",
    "password": "SecurePassword123!",
    "first_name": "Ada",
    "last_name": "Lovelace",
}
CALLER = services.Caller(device="test", ip="127.0.0.1")

pytestmark = pytest.mark.django_db


def test_creates_account_profile_session_and_events(api: APIClient) -> None:
    response = api.post(URL, BODY, HTTP_USER_AGENT="Firefox\x01 on Linux")
    assert response.status_code == 201
    body = response.json()
    assert list(body) == [
        "id", "email", "first_name", "last_name", "access_token", "refresh_token"
    ]  # fmt: skip
    assert all(isinstance(value, str) for value in body.values())
    assert body["email"] == "ada@example.test"
    user = User.objects.get(id=body["id"])
    assert user.check_password(BODY["password"])
    assert [user.is_staff, user.is_superuser, user.is_instructor] == [False] * 3
    assert user.email_verified_at is None
    assert UserProfile.objects.filter(user=user).count() == 1
    session = Session.objects.get(user=user)
    assert (session.device, session.ip) == ("Firefox on Linux", "127.0.0.1")
    assert is_alive(body["access_token"])
    assert refresh(body["refresh_token"]).status_code == 200
    events = OutboxEvent.objects.order_by("id").values_list("name", "payload")
    assert list(events) == [
        ("users.registered", {"user_id": body["id"]}),
        ("users.verification_requested", {"user_id": body["id"]}),
    ]


def test_sets_the_cookie_that_scripts_cant_read(api: APIClient) -> None:
    response = api.post(URL, BODY)
    cookie = response.cookies["learnflow_refresh"]
    assert cookie.value == response.json()["refresh_token"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert cookie["path"] == "/api/v1/auth/"
    assert response["Cache-Control"] == "private, no-store"


def test_rights_in_the_body_are_not_taken(api: APIClient) -> None:
    response = api.post(
        URL, {**BODY, "is_staff": True, "is_superuser": True, "is_instructor": True, "id": "x"}
    )
    user = User.objects.get(id=response.json()["id"])
    assert [user.is_staff, user.is_superuser, user.is_instructor] == [False] * 3


@pytest.mark.parametrize("email", ["ada@example.test", "ADA@EXAMPLE.TEST", " Ada@example.test "])
def test_taken_email_whatever_its_case(api: APIClient, email: str) -> None:
    UserFactory.create(email="ada@example.test")
    response = api.post(URL, {**BODY, "email": email})
    assert response.status_code == 409
    assert code_of(response) == "EMAIL_TAKEN"
    assert User.objects.count() == 1
    assert not Session.objects.exists()
    assert not OutboxEvent.objects.exists()


@pytest.mark.parametrize(
    "password",
    ["Short1!", "password1234", "98127349817234", "lovelace12345", "ada@example.test", "x" * 129],
)
def test_weak_password_is_422_under_password(api: APIClient, password: str) -> None:
    response = api.post(URL, {**BODY, "last_name": "Lovelace1234", "password": password})
    assert response.status_code == 422
    assert code_of(response) == "VALIDATION_ERROR"
    assert list(response.json()["error"]["details"]) == ["password"]
    assert not User.objects.exists()


@pytest.mark.parametrize(
    ("field", "value", "status"),
    [
        ("email", "not-an-email", 422),
        ("email", "", 422),
        ("email", f"{'a' * 250}@example.test", 422),
        ("email", "ädä@example.test", 422),
        ("email", "ada@exämple.test", 422),
        ("email", 5, 400),
        ("email", None, 400),
        ("email", {"$ne": ""}, 400),
        ("password", 123456789012, 400),
        ("password", ["SecurePassword123!"], 400),
        ("first_name", "   ", 422),
        ("first_name", "A" * 151, 422),
        ("first_name", "Ada\nBcc: everybody@example.test", 422),
        ("last_name", "\u202eecalevoL", 422),
        ("last_name", True, 400),
        ("last_name", "nul\x00", 400),
    ],
)
def test_unacceptable_values(api: APIClient, field: str, value: Any, status: int) -> None:
    response = api.post(URL, {**BODY, field: value})
    assert response.status_code == status
    details = response.json()["error"]["details"]
    assert field in details or value == "nul\x00"
    assert not User.objects.exists()


def test_every_missing_field_is_named(api: APIClient) -> None:
    response = api.post(URL, {"email": "not-an-email"})
    assert response.status_code == 400
    details = response.json()["error"]["details"]
    assert {"password", "first_name", "last_name"} <= set(details)


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"[]",
        b'"text"',
        b'{"email": "\\ud800@example.test", "password": "x"}',
        b'{"email": "\xff"}',
        b"[" * 15_000,
    ],
)
def test_hostile_bodies_are_400(api: APIClient, raw: bytes) -> None:
    response = api.post(URL, raw, content_type="application/json")
    assert response.status_code == 400
    assert code_of(response) == "BAD_REQUEST"


def test_names_of_every_script_pass(api: APIClient) -> None:
    names = {"first_name": "\u0645\u06cc\u200c\u0646\u0627", "last_name": "Þórsdóttir-O'Brien 陳"}
    response = api.post(URL, {**BODY, **names})
    assert response.status_code == 201
    assert response.json()["first_name"] == names["first_name"]


def test_an_expired_token_in_the_header_is_no_obstacle(api: APIClient) -> None:
    api.credentials(HTTP_AUTHORIZATION="Bearer expired")
    assert api.post(URL, BODY).status_code == 201


def test_the_database_itself_refuses_a_second_spelling() -> None:
    UserFactory.create(email="ada@example.test")
    with pytest.raises(IntegrityError):
        UserFactory.create(email="Ada@example.test")


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_registers() -> None:
    def register(email: str) -> services.SignedIn:
        return services.register_user(**{**BODY, "email": email}, caller=CALLER)

    emails = ["ada@example.test", "ADA@example.test"] * 4
    results = run_in_parallel(8, lambda number: register(emails[number]))
    assert sum(isinstance(result, services.SignedIn) for result in results) == 1
    assert sum(isinstance(result, EmailTaken) for result in results) == 7
    assert User.objects.count() == UserProfile.objects.count() == Session.objects.count() == 1
    assert OutboxEvent.objects.count() == 2
