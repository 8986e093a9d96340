"""Each address has its own rate; login and logout have none per request."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.factories import UserFactory
from tests.factories.people import PASSWORD
from users.tests.conftest import code_of, log_in

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("scope", "path"),
    [
        ("register", "register/"),
        ("refresh", "refresh/"),
        ("verify", "verify-email/"),
        ("mail", "verify-email/resend/"),
        ("mail", "password-reset/"),
        ("verify", "password-reset/confirm/"),
    ],
)
def test_scopes(api: APIClient, rates: dict[str, str], scope: str, path: str) -> None:
    rates[scope] = "2/hour"
    answers = [api.post(f"/api/v1/auth/{path}", {}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [400, 400, 429]
    assert code_of(answers[2]) == "RATE_LIMITED"
    assert int(answers[2]["Retry-After"]) >= 1


def test_login_and_logout_are_not_counted(rates: dict[str, str]) -> None:
    rates.update(anon="1/hour", user="1/hour", login="1/hour")
    user = UserFactory.create()
    for _ in range(4):
        body: dict[str, Any] = log_in(user, PASSWORD)
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {body['access_token']}")
        assert client.post("/api/v1/auth/logout/").status_code == 200
