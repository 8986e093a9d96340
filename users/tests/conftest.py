"""What the tests of people share."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from django.conf import settings
from rest_framework.test import APIClient

from tests.factories.people import PASSWORD
from users.models import User

ORIGIN = "http://localhost:5173"
NEW_PASSWORD = "another-long-phrase-7"

Login = Callable[..., dict[str, Any]]


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """A clock that stands still until it is moved."""
    with time_machine.travel("2026-03-01T10:00:00Z", tick=False) as traveller:
        yield traveller


@pytest.fixture
def rates() -> Iterator[dict[str, str]]:
    """The throttle rates, to be switched on by the test."""
    saved = dict(settings.THROTTLE_RATES)
    yield settings.THROTTLE_RATES
    settings.THROTTLE_RATES.clear()
    settings.THROTTLE_RATES.update(saved)


def log_in(user: User, password: str = PASSWORD) -> dict[str, Any]:
    """Log in over the API from a client of its own; returns the answer."""
    response = APIClient().post("/api/v1/auth/login/", {"email": user.email, "password": password})
    assert response.status_code == 200, response.json()
    body: dict[str, Any] = response.json()
    return body


def bearer(access: str) -> APIClient:
    """Return a client with this access token."""
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {access}")
    return client


def is_alive(access: str) -> bool:
    """Return whether the access token is accepted."""
    status = bearer(access).get("/api/v1/auth/me/").status_code
    assert status in {200, 401}
    return status == 200


def refresh(token: str) -> Any:
    """Refresh with the token in the body; returns the response."""
    return APIClient().post("/api/v1/auth/refresh/", {"refresh": token})


def code_of(response: Any) -> str:
    """Return the code of an answer in the error shape."""
    error = response.json()["error"]
    assert set(error) == {"code", "message", "status", "details", "request_id"}
    assert error["status"] == response.status_code
    return str(error["code"])
