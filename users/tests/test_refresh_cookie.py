"""The refresh cookie over TLS: for this very host, and no other counts."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.factories import UserFactory
from tests.factories.people import PASSWORD
from users.tests.conftest import ORIGIN, log_in

pytestmark = pytest.mark.django_db

HOST, PLAIN = "__Host-learnflow_refresh", "learnflow_refresh"
REFRESH, LOGOUT = "/api/v1/auth/refresh/", "/api/v1/auth/logout/"


@pytest.fixture(autouse=True)
def over_tls(settings: Any) -> None:
    settings.REFRESH_COOKIE_SECURE = True


def browse() -> APIClient:
    return APIClient(HTTP_ORIGIN=ORIGIN)


def is_forgotten(answer: Any, name: str) -> bool:
    cookie = answer.cookies.get(name)
    return cookie is not None and cookie.value == "" and "1970" in cookie["expires"]


def test_it_has_what_the_prefix_demands(api: APIClient) -> None:
    form = {"email": UserFactory.create().email, "password": PASSWORD}
    cookie = api.post("/api/v1/auth/login/", form).cookies[HOST]
    assert (cookie["secure"], cookie["path"], cookie["domain"]) == (True, "/", "")
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")


def test_it_refreshes() -> None:
    browser = browse()
    browser.cookies[HOST] = log_in(UserFactory.create())["refresh_token"]
    answer = browser.post(REFRESH)
    assert answer.status_code == 200
    assert answer.cookies[HOST].value == answer.json()["refresh"]
    assert answer["Cache-Control"] == "private, no-store"


def test_a_plain_one_signs_nobody_in() -> None:
    """Any neighbour below the same domain could have set it, with its own token."""
    browser = browse()
    browser.cookies[PLAIN] = log_in(UserFactory.create())["refresh_token"]
    answer = browser.post(REFRESH)
    assert answer.status_code == 400, "no token at all"
    assert "access" not in answer.json()


def test_a_plain_one_put_beside_it_counts_for_nothing() -> None:
    browser = browse()
    browser.cookies[HOST] = log_in(UserFactory.create())["refresh_token"]
    browser.cookies[PLAIN] = "from a neighbour"
    assert browser.post(REFRESH).status_code == 200


@pytest.mark.parametrize("name", [HOST, PLAIN])
def test_logging_out_forgets_both(name: str) -> None:
    browser = browse()
    tokens = log_in(UserFactory.create())
    browser.cookies[name] = tokens["refresh_token"]
    browser.credentials(HTTP_ORIGIN=ORIGIN, HTTP_AUTHORIZATION=f"Bearer {tokens['access_token']}")
    answer = browser.post(LOGOUT)
    assert answer.status_code in (200, 204)
    assert is_forgotten(answer, HOST)
    assert answer.cookies[HOST]["secure"]
    assert answer.cookies[HOST]["path"] == "/"
    assert is_forgotten(answer, PLAIN)
