"""Access tokens, logout, and the list of sessions."""

import datetime as dt
import uuid
from typing import Any

import pytest
import time_machine
from django.contrib.sessions.models import Session as AdminSession
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken

from tests.factories import UserFactory
from tests.factories.people import open_test_session, sign_in
from users import selectors, serializers, services, tasks
from users.models import Session, User
from users.tests.conftest import ORIGIN, bearer, code_of, is_alive, log_in, refresh
from users.tokens import issue_tokens

ME = "/api/v1/auth/me/"
LOGOUT = "/api/v1/auth/logout/"
SESSIONS = "/api/v1/auth/sessions/"

pytestmark = pytest.mark.django_db


class TestAccessToken:
    def test_person_and_session_are_one_query_and_no_write(
        self, django_assert_num_queries: Any
    ) -> None:
        client = sign_in(UserFactory.create())
        with CaptureQueriesContext(connection) as queries:
            assert client.get(ME).status_code == 200
        first, second = (query["sql"] for query in queries)
        assert "FROM users_session AS session JOIN users_user" in first
        assert "session.id = " in first
        assert second.startswith("SELECT")

    def test_is_found_by_index(self) -> None:
        session = open_test_session(UserFactory.create())
        found = Session.objects.filter(
            id=session.id, user_id=session.user_id, ended_at=None, user__is_active=True
        )
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
        plan = found.explain()
        assert plan.count("Index Scan") == 2
        assert "Seq Scan" not in plan

    @pytest.mark.parametrize(
        "header",
        [
            "Bearer x",
            "Bearer x y",
            "Bearer ..",
            "Bearer \xe9\xe9",
            f"Bearer {'A' * 5000}",
        ],
    )
    def test_garbled_is_401_in_shape(self, header: str) -> None:
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=header)
        response = client.get(ME)
        assert response.status_code == 401
        assert code_of(response) == "TOKEN_INVALID"
        assert response["WWW-Authenticate"].startswith("Bearer")

    def test_none_is_not_authenticated(self, api: APIClient) -> None:
        response = api.get(ME)
        assert response.status_code == 401
        assert code_of(response) == "NOT_AUTHENTICATED"

    def test_expires_after_fifteen_minutes(self, clock: time_machine.Traveller) -> None:
        access = log_in(UserFactory.create())["access_token"]
        clock.shift(dt.timedelta(minutes=14, seconds=59))
        assert is_alive(access)
        clock.shift(dt.timedelta(seconds=2))
        response = bearer(access).get(ME)
        assert response.status_code == 401
        assert code_of(response) == "TOKEN_INVALID"

    def test_a_refresh_token_is_none(self) -> None:
        assert not is_alive(log_in(UserFactory.create())["refresh_token"])

    @pytest.mark.parametrize("claim", ["sid", "user_id"])
    @pytest.mark.parametrize("value", ["0198c5f0-7c1a-7bd2-9a51-4d8f0b6a2c99", "x", 7, None, {}])
    def test_claims_that_name_nothing(self, claim: str, value: Any) -> None:
        token = AccessToken(log_in(UserFactory.create())["access_token"])
        token[claim] = value
        assert not is_alive(str(token))

    def test_of_another_persons_session(self) -> None:
        token = AccessToken(log_in(UserFactory.create())["access_token"])
        token["user_id"] = str(UserFactory.create().id)
        assert not is_alive(str(token))

    def test_dies_with_deactivation_even_by_hand(self) -> None:
        access = log_in(UserFactory.create())["access_token"]
        User.objects.update(is_active=False)
        assert not is_alive(access)

    def test_deactivation_by_service_is_for_good(self) -> None:
        user = UserFactory.create()
        body = log_in(user)
        services.set_active(user_id=user.id, is_active=False, actor_id=None)
        services.set_active(user_id=user.id, is_active=True, actor_id=None)
        assert not is_alive(body["access_token"])
        assert code_of(refresh(body["refresh_token"])) == "TOKEN_INVALID"
        assert Session.objects.get().end_reason == Session.EndReason.DEACTIVATED
        assert is_alive(log_in(user)["access_token"])


class TestLogout:
    def dead(self, body: dict[str, Any]) -> bool:
        return not is_alive(body["access_token"]) and (
            code_of(refresh(body["refresh_token"])) == "TOKEN_INVALID"
        )

    def test_by_header_alone(self) -> None:
        user = UserFactory.create()
        body, other = log_in(user), log_in(user)
        client = bearer(body["access_token"])
        response = client.post(LOGOUT)
        assert response.status_code == 200
        assert response.json() == {"message": "Successfully logged out"}
        cookie = response.cookies["learnflow_refresh"]
        assert (cookie.value, cookie["max-age"], cookie["path"]) == ("", 0, "/api/v1/auth/")
        assert self.dead(body)
        assert is_alive(other["access_token"])
        assert client.post(LOGOUT).status_code == 401

    def test_by_header_with_refresh_beside_it(self) -> None:
        body = log_in(UserFactory.create())
        refreshed = {"refresh": body["refresh_token"]}
        assert bearer(body["access_token"]).post(LOGOUT, refreshed).status_code == 200
        assert self.dead(body)

    def test_by_header_whatever_the_refresh_beside_it(self) -> None:
        body = log_in(UserFactory.create())
        client = bearer(body["access_token"])
        assert client.post(LOGOUT, {"refresh": "garbled"}).status_code == 200
        assert self.dead(body)

    def test_by_refresh_with_an_expired_access_token(self, clock: time_machine.Traveller) -> None:
        body = log_in(UserFactory.create())
        clock.shift(dt.timedelta(hours=1))
        client = bearer(body["access_token"])
        response = client.post(LOGOUT, {"refresh": body["refresh_token"]})
        assert response.status_code == 200
        assert code_of(refresh(body["refresh_token"])) == "TOKEN_INVALID"

    def test_by_cookie_from_our_pages(self, api: APIClient) -> None:
        body = log_in(UserFactory.create())
        api.cookies["learnflow_refresh"] = body["refresh_token"]
        assert api.post(LOGOUT, HTTP_ORIGIN=ORIGIN).status_code == 200
        assert self.dead(body)

    def test_by_cookie_from_elsewhere_ends_nothing(self, api: APIClient) -> None:
        body = log_in(UserFactory.create())
        api.cookies["learnflow_refresh"] = body["refresh_token"]
        response = api.post(LOGOUT, HTTP_ORIGIN="http://evil.test")
        assert response.status_code == 403
        assert is_alive(body["access_token"])

    def test_by_header_with_a_cookie_from_elsewhere(self) -> None:
        user = UserFactory.create()
        body, other = log_in(user), log_in(user)
        client = bearer(body["access_token"])
        client.cookies["learnflow_refresh"] = other["refresh_token"]
        assert client.post(LOGOUT, HTTP_ORIGIN="http://evil.test").status_code == 200
        assert self.dead(body)
        assert is_alive(other["access_token"])

    def test_without_anything_is_401(self, api: APIClient) -> None:
        response = api.post(LOGOUT)
        assert response.status_code == 401
        assert code_of(response) == "NOT_AUTHENTICATED"

    @pytest.mark.parametrize("token", ["", "garbled"])
    def test_by_a_garbled_refresh_alone_is_401(self, api: APIClient, token: str) -> None:
        assert code_of(api.post(LOGOUT, {"refresh": token})) == "TOKEN_INVALID"

    def test_wrong_type_is_400(self) -> None:
        body = log_in(UserFactory.create())
        assert bearer(body["access_token"]).post(LOGOUT, {"refresh": 5}).status_code == 400
        assert is_alive(body["access_token"])


class TestList:
    def test_live_sessions_of_this_person_the_last_used_first(self) -> None:
        user = UserFactory.create()
        old, mine = open_test_session(user), open_test_session(user)
        Session.objects.filter(id=old.id).update(device="Firefox", ip="203.0.113.7")
        ended, expired = open_test_session(user), open_test_session(user)
        Session.objects.filter(id=ended.id).update(ended_at=timezone.now(), end_reason="logout")
        Session.objects.filter(id=expired.id).update(expires_at=timezone.now())
        open_test_session(UserFactory.create())
        response = bearer(issue_tokens(session=mine).access).get(SESSIONS)
        assert response.status_code == 200
        body = response.json()
        assert body["count"] == 2
        assert [row["id"] for row in body["results"]] == [str(mine.id), str(old.id)]
        assert [row["is_current"] for row in body["results"]] == [True, False]
        assert body["results"][1] == {
            "id": str(old.id),
            "device": "Firefox",
            "ip": "203.0.113.7",
            "created_at": old.created_at.isoformat().replace("+00:00", "Z"),
            "last_used_at": old.last_used_at.isoformat().replace("+00:00", "Z"),
            "expires_at": old.expires_at.isoformat().replace("+00:00", "Z"),
            "is_current": False,
        }

    def test_rows_are_as_declared(self) -> None:
        session = open_test_session(UserFactory.create())
        row = selectors.list_sessions(user_id=session.user_id, current_id=None)[0]
        assert list(row) == list(serializers.SessionSerializer().fields)
        assert row["is_current"] is False

    @pytest.mark.parametrize("others", [0, 19])
    def test_queries(self, others: int, django_assert_num_queries: Any) -> None:
        user = UserFactory.create()
        client = sign_in(user)
        for _ in range(others):
            open_test_session(user)
        with django_assert_num_queries(3):
            assert client.get(SESSIONS).json()["count"] == others + 1


class TestEnd:
    def test_ends_one_and_only_that(self) -> None:
        user = UserFactory.create()
        body, target, other = log_in(user), log_in(user), log_in(user)
        target_id = AccessToken(target["access_token"])["sid"]
        client = bearer(body["access_token"])
        assert client.delete(f"{SESSIONS}{target_id}/").status_code == 204
        assert not is_alive(target["access_token"])
        assert code_of(refresh(target["refresh_token"])) == "TOKEN_INVALID"
        assert is_alive(body["access_token"])
        assert is_alive(other["access_token"])
        response = client.delete(f"{SESSIONS}{target_id}/")
        assert response.status_code == 404
        assert code_of(response) == "SESSION_NOT_FOUND"

    def test_another_persons_is_as_if_there_were_none(self) -> None:
        theirs = open_test_session(UserFactory.create())
        client = sign_in(UserFactory.create())
        answers = [client.delete(f"{SESSIONS}{key}/") for key in (theirs.id, uuid.uuid4())]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert [code_of(answer) for answer in answers] == ["SESSION_NOT_FOUND"] * 2
        assert Session.objects.get(id=theirs.id).ended_at is None

    @pytest.mark.parametrize("key", ["x", "1", "01985c1e", "%00", "é"])
    def test_malformed_id_is_404(self, key: str) -> None:
        response = sign_in(UserFactory.create()).delete(f"{SESSIONS}{key}/")
        assert response.status_code == 404


def test_pruning_deletes_what_has_expired_and_nothing_else() -> None:
    user = UserFactory.create()
    live, expired, ended = (open_test_session(user) for _ in range(3))
    Session.objects.filter(id=expired.id).update(expires_at=timezone.now())
    Session.objects.filter(id=ended.id).update(ended_at=timezone.now(), end_reason="logout")
    assert tasks.prune_sessions() == 1
    assert tasks.prune_sessions() == 0
    assert set(Session.objects.values_list("id", flat=True)) == {live.id, ended.id}
    assert User.objects.count() == 1


def test_the_admin_forgets_sessions_past_their_time() -> None:
    soon = timezone.now() + dt.timedelta(minutes=1)
    AdminSession.objects.create(session_key="over", expire_date=timezone.now())
    AdminSession.objects.create(session_key="live", expire_date=soon)
    assert tasks.prune_sessions() == 1
    assert [row.session_key for row in AdminSession.objects.all()] == ["live"]
