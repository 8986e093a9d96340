"""Rotation: one live refresh token a session, never two (contract "Accounts")."""

import datetime as dt
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from tests.factories import UserFactory
from tests.parallel import run_in_parallel
from users.models import Session, User
from users.tests.conftest import ORIGIN, code_of, is_alive, log_in, refresh

URL = "/api/v1/auth/refresh/"
GRACE = dt.timedelta(seconds=10)

pytestmark = pytest.mark.django_db


@pytest.fixture
def token() -> str:
    """A live refresh token."""
    return str(log_in(UserFactory.create())["refresh_token"])


def successor(of: str) -> str:
    response = refresh(of)
    assert response.status_code == 200, response.json()
    return str(response.json()["refresh"])


def test_answers_access_and_successor(token: str) -> None:
    response = refresh(token)
    assert response.status_code == 200
    body = response.json()
    assert list(body) == ["access", "refresh"]
    assert all(isinstance(value, str) for value in body.values())
    assert is_alive(body["access"])
    assert body["refresh"] != token
    assert response.cookies["learnflow_refresh"].value == body["refresh"]
    assert response.cookies["learnflow_refresh"]["httponly"]
    assert response["Cache-Control"] == "private, no-store"


def test_notes_use_and_address_and_lives_on(clock: time_machine.Traveller) -> None:
    log_in(UserFactory.create())
    before = Session.objects.get()
    token = log_in(before.user)["refresh_token"]
    clock.shift(dt.timedelta(days=6))
    APIClient().post(URL, {"refresh": token}, REMOTE_ADDR="203.0.113.9")
    other, session = Session.objects.order_by("created_at", "id")
    assert session.ip == "203.0.113.9"
    assert session.last_used_at == session.rotated_at == dt.datetime.now(dt.UTC)
    assert session.expires_at == session.rotated_at + dt.timedelta(days=7)
    assert (other.ip, other.last_used_at) == (before.ip, before.last_used_at)


def test_both_tokens_carry_sid_and_user(token: str) -> None:
    session = Session.objects.get()
    access = AccessToken(refresh(token).json()["access"])
    for claims in (RefreshToken(token), access):  # type: ignore[arg-type]
        assert claims["sid"] == str(session.id)
        assert claims["user_id"] == str(session.user_id)
    assert access["exp"] - access["iat"] == 15 * 60


@pytest.mark.parametrize("after", [dt.timedelta(0), GRACE])
def test_again_within_the_grace_gets_the_same_successor(
    clock: time_machine.Traveller, after: dt.timedelta
) -> None:
    token = log_in(UserFactory.create())["refresh_token"]
    clock.shift(dt.timedelta(minutes=15))
    first = successor(token)
    clock.shift(after)
    assert successor(token) == first
    assert Session.objects.get().ended_at is None
    assert successor(first) != first


def test_again_after_the_grace_ends_the_session(clock: time_machine.Traveller) -> None:
    body = log_in(UserFactory.create())
    live = refresh(body["refresh_token"]).json()
    clock.shift(GRACE + dt.timedelta(milliseconds=1))
    response = refresh(body["refresh_token"])
    assert response.status_code == 401
    assert code_of(response) == "TOKEN_REUSED"
    session = Session.objects.get()
    assert session.end_reason == Session.EndReason.TOKEN_REUSED
    assert session.ended_at is not None
    assert not is_alive(body["access_token"])
    assert not is_alive(live["access"])
    assert code_of(refresh(live["refresh"])) == "TOKEN_INVALID"


def test_the_grace_runs_from_the_first_use_not_the_last(clock: time_machine.Traveller) -> None:
    token = log_in(UserFactory.create())["refresh_token"]
    first = successor(token)
    for _ in range(2):
        clock.shift(dt.timedelta(seconds=5))
        assert successor(token) == first
    clock.shift(dt.timedelta(seconds=1))
    assert code_of(refresh(token)) == "TOKEN_REUSED"


def test_a_late_tab_gets_its_successor_though_that_was_used_too(
    clock: time_machine.Traveller,
) -> None:
    first = log_in(UserFactory.create())["refresh_token"]
    second = successor(first)
    clock.shift(dt.timedelta(seconds=3))
    third = successor(second)
    clock.shift(dt.timedelta(seconds=3))
    assert successor(first) == second
    assert successor(second) == third
    clock.shift(dt.timedelta(seconds=5))
    assert successor(second) == third
    assert code_of(refresh(first)) == "TOKEN_REUSED"


def test_remembers_only_rotations_within_the_grace(clock: time_machine.Traveller) -> None:
    token = log_in(UserFactory.create())["refresh_token"]
    for _ in range(6):
        token = successor(token)
        clock.shift(dt.timedelta(seconds=4))
    assert len(Session.objects.get().recent_rotations) == 3


def test_reuse_of_one_session_leaves_the_others_alone(clock: time_machine.Traveller) -> None:
    user = UserFactory.create()
    stolen, other = log_in(user), log_in(user)
    successor(stolen["refresh_token"])
    clock.shift(dt.timedelta(seconds=11))
    assert code_of(refresh(stolen["refresh_token"])) == "TOKEN_REUSED"
    assert is_alive(other["access_token"])
    assert refresh(other["refresh_token"]).status_code == 200


def test_an_expired_token_is_invalid_and_ends_nothing(clock: time_machine.Traveller) -> None:
    token = log_in(UserFactory.create())["refresh_token"]
    clock.shift(dt.timedelta(days=7, seconds=1))
    response = refresh(token)
    assert response.status_code == 401
    assert code_of(response) == "TOKEN_INVALID"


def _tampered(token: str) -> str:
    head, payload, signature = token.split(".")
    return f"{head}.{payload}.{signature[:-4]}AAAA"


@pytest.mark.parametrize(
    "garble",
    [
        lambda token: "",
        lambda token: "x",
        lambda token: "..",
        lambda token: "é" * 50,
        lambda token: token[:-10],
        _tampered,
        lambda token: "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0." + token.split(".")[1] + ".",
        lambda token: "A" * 100_000,
    ],
)
def test_a_garbled_token_is_invalid(token: str, garble: Any) -> None:
    response = refresh(garble(token))
    assert response.status_code == 401
    assert code_of(response) == "TOKEN_INVALID"
    assert refresh(token).status_code == 200


def test_an_access_token_refreshes_nothing() -> None:
    response = refresh(log_in(UserFactory.create())["access_token"])
    assert code_of(response) == "TOKEN_INVALID"


@pytest.mark.parametrize("claim", ["sid", "user_id", "jti"])
def test_claims_that_name_nothing_are_invalid(token: str, claim: str) -> None:
    for value in ("00000000-0000-7000-8000-000000000000", "x", 5, None, ["a"]):
        forged = RefreshToken(token)  # type: ignore[arg-type]
        forged[claim] = value
        expected = "TOKEN_REUSED" if claim == "jti" and len(str(value)) == 36 else "TOKEN_INVALID"
        Session.objects.update(ended_at=None, end_reason="")
        assert code_of(refresh(str(forged))) == expected, value


def test_a_deactivated_person_refreshes_nothing(token: str) -> None:
    User.objects.update(is_active=False)
    assert code_of(refresh(token)) == "TOKEN_INVALID"


@pytest.mark.parametrize(("body", "status"), [({}, 400), ({"refresh": None}, 400),
                                              ({"refresh": 5}, 400), ([], 400)])  # fmt: skip
def test_a_body_without_a_token_is_400(api: APIClient, body: Any, status: int) -> None:
    response = api.post(URL, body)
    assert response.status_code == status
    assert code_of(response) == "BAD_REQUEST"


class TestCookie:
    @pytest.fixture
    def browser(self, token: str) -> APIClient:
        client = APIClient()
        client.cookies["learnflow_refresh"] = token
        return client

    @pytest.mark.parametrize("origin", [ORIGIN, "http://testserver", "HTTP://LOCALHOST:5173"])
    def test_is_taken_from_our_pages(self, browser: APIClient, origin: str) -> None:
        response = browser.post(URL, {}, HTTP_ORIGIN=origin)
        assert response.status_code == 200
        assert browser.cookies["learnflow_refresh"].value == response.json()["refresh"]
        assert browser.post(URL, HTTP_ORIGIN=origin).status_code == 200

    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"HTTP_ORIGIN": "null"},
            {"HTTP_ORIGIN": ""},
            {"HTTP_ORIGIN": "http://localhost:5173.evil.test"},
            {"HTTP_ORIGIN": "http://evil.test"},
            {"HTTP_ORIGIN": "https://localhost:5173"},
            {"HTTP_ORIGIN": "http://[evil"},
            {"HTTP_REFERER": "http://localhost:5173/"},
        ],
    )
    def test_is_refused_from_elsewhere(
        self, browser: APIClient, token: str, headers: dict[str, Any]
    ) -> None:
        response = browser.post(URL, {}, **headers)
        assert response.status_code == 403
        assert code_of(response) == "ORIGIN_NOT_ALLOWED"
        assert str(Session.objects.get().refresh_jti) == RefreshToken(token)["jti"]  # type: ignore[arg-type]

    def test_no_origin_is_ours_when_an_address_lacks_its_scheme(
        self, browser: APIClient, settings: Any
    ) -> None:
        settings.FRONTEND_URL = "learnflow.test"
        for origin in ("null", "learnflow.test", "", "none", "://"):
            assert browser.post(URL, {}, HTTP_ORIGIN=origin).status_code == 403

    def test_gives_way_to_the_body(self, browser: APIClient, token: str) -> None:
        browser.cookies["learnflow_refresh"] = "garbled"
        assert browser.post(URL, {"refresh": token}).status_code == 200

    def test_expired_access_in_the_header_is_no_obstacle(self, browser: APIClient) -> None:
        browser.credentials(HTTP_AUTHORIZATION="Bearer expired")
        assert browser.post(URL, {}, HTTP_ORIGIN=ORIGIN).status_code == 200


def test_queries(token: str) -> None:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        refresh(token)
    statements = [q["sql"] for q in queries if "SAVEPOINT" not in q["sql"]]
    assert [sql.split()[0] for sql in statements] == ["SELECT", "UPDATE"]
    assert "FOR UPDATE" in statements[0]


@pytest.mark.django_db(transaction=True)
def test_twenty_at_once_get_the_same_successor() -> None:
    token = log_in(UserFactory.create())["refresh_token"]
    answers = run_in_parallel(20, lambda _: refresh(token))
    assert [getattr(answer, "status_code", answer) for answer in answers] == [200] * 20
    successors = {answer.json()["refresh"] for answer in answers}
    assert len(successors) == 1
    session = Session.objects.get()
    assert session.ended_at is None
    assert len(session.recent_rotations) == 1
    assert refresh(successors.pop()).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_refresh_racing_logout_leaves_nothing_alive() -> None:
    for _ in range(5):
        body = log_in(UserFactory.create())

        def act(number: int, body: dict[str, Any] = body) -> Any:
            if number == 0:
                return APIClient().post("/api/v1/auth/logout/", {"refresh": body["refresh_token"]})
            return refresh(body["refresh_token"])

        logout, renewed = run_in_parallel(2, act)
        assert getattr(logout, "status_code", logout) == 200
        assert not is_alive(body["access_token"])
        answer: Any = renewed
        if answer.status_code == 200:
            assert not is_alive(answer.json()["access"])
            assert refresh(answer.json()["refresh"]).status_code == 401
