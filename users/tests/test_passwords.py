"""Changing and resetting passwords, verifying an e-mail."""

import datetime as dt
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.conf import settings
from django.core import signing
from rest_framework.test import APIClient

from core.errors import Invalid
from core.models import OutboxEvent
from tests.factories import UserFactory
from tests.factories.people import PASSWORD
from tests.parallel import run_in_parallel
from users import links, services
from users.errors import LinkInvalid
from users.models import Session, User
from users.tests.conftest import NEW_PASSWORD, bearer, code_of, is_alive, log_in, refresh

CHANGE = "/api/v1/users/change-password/"
RESET = "/api/v1/auth/password-reset/"
CONFIRM = "/api/v1/auth/password-reset/confirm/"
VERIFY = "/api/v1/auth/verify-email/"
RESEND = "/api/v1/auth/verify-email/resend/"

pytestmark = pytest.mark.django_db


def token_of(link: str) -> str:
    return parse_qs(urlsplit(link).query)["token"][0]


def events() -> list[str]:
    return list(OutboxEvent.objects.order_by("id").values_list("name", flat=True))


def asked(name: str) -> list[str | None]:
    """For whom mails of this kind were asked, in order; None for nobody."""
    events = OutboxEvent.objects.filter(name=name).order_by("id")
    return [event.payload["user_id"] for event in events]


class TestChange:
    def test_sets_it_and_ends_all_other_sessions(self) -> None:
        user, bystander = UserFactory.create(), UserFactory.create()
        mine, other, theirs = log_in(user), log_in(user), log_in(bystander)
        response = bearer(mine["access_token"]).put(
            CHANGE, {"old_password": PASSWORD, "new_password": NEW_PASSWORD}
        )
        assert response.status_code == 200
        assert response.json() == {"message": "Password changed successfully"}
        assert is_alive(mine["access_token"])
        assert refresh(mine["refresh_token"]).status_code == 200
        assert not is_alive(other["access_token"])
        assert code_of(refresh(other["refresh_token"])) == "TOKEN_INVALID"
        assert is_alive(theirs["access_token"])
        assert log_in(user, NEW_PASSWORD)
        answer = APIClient().post(
            "/api/v1/auth/login/", {"email": user.email, "password": PASSWORD}
        )
        assert answer.status_code == 401
        assert events() == ["users.password_changed"]

    def test_wrong_old_password_is_422_and_changes_nothing(self) -> None:
        user = UserFactory.create()
        mine, other = log_in(user), log_in(user)
        response = bearer(mine["access_token"]).put(
            CHANGE, {"old_password": "wrong-wrong-1", "new_password": NEW_PASSWORD}
        )
        assert response.status_code == 422
        assert code_of(response) == "VALIDATION_ERROR"
        assert list(response.json()["error"]["details"]) == ["old_password"]
        assert is_alive(other["access_token"])
        assert log_in(user)
        assert events() == []

    @pytest.mark.parametrize("password", ["short", "password1234", "928374928374923"])
    def test_weak_new_password_is_422(self, password: str) -> None:
        user = UserFactory.create()
        mine, other = log_in(user), log_in(user)
        response = bearer(mine["access_token"]).put(
            CHANGE, {"old_password": PASSWORD, "new_password": password}
        )
        assert response.status_code == 422
        assert list(response.json()["error"]["details"]) == ["new_password"]
        assert is_alive(other["access_token"])

    def test_the_old_one_again_is_422(self) -> None:
        user = UserFactory.create()
        mine, other = log_in(user), log_in(user)
        body = {"old_password": PASSWORD, "new_password": PASSWORD}
        response = bearer(mine["access_token"]).put(CHANGE, body)
        assert response.status_code == 422
        assert code_of(response) == "VALIDATION_ERROR"
        details = response.json()["error"]["details"]
        assert details == {
            "new_password": ["The new password must be different from the current one."]
        }
        assert is_alive(other["access_token"])
        assert events() == []

    def test_new_password_like_the_person_is_422(self) -> None:
        user = UserFactory.create(last_name="Lovelace-Byron")
        client = bearer(log_in(user)["access_token"])
        body = {"old_password": PASSWORD, "new_password": "lovelace-byron1"}
        assert client.put(CHANGE, body).status_code == 422

    @pytest.mark.parametrize(
        "body",
        [{}, {"old_password": PASSWORD}, {"old_password": 1, "new_password": NEW_PASSWORD}, []],
    )
    def test_incomplete_or_wrong_types_are_400(self, body: Any) -> None:
        client = bearer(log_in(UserFactory.create())["access_token"])
        assert client.put(CHANGE, body).status_code == 400

    def test_guessing_the_old_one_is_limited(self, rates: dict[str, str]) -> None:
        user = UserFactory.create()
        client = bearer(log_in(user)["access_token"])
        rates["login"] = "2/hour"
        wrong = {"old_password": "wrong-wrong-1", "new_password": NEW_PASSWORD}
        assert [client.put(CHANGE, wrong).status_code for _ in range(3)] == [422, 422, 429]
        right = {**wrong, "old_password": PASSWORD}
        response = client.put(CHANGE, right)
        assert response.status_code == 429
        assert int(response["Retry-After"]) > 3500
        assert log_in(user)

    def test_needs_a_login(self, api: APIClient) -> None:
        assert api.put(CHANGE, {}).status_code == 401

    @pytest.mark.django_db(transaction=True)
    def test_of_two_changes_at_once_one_holds(self) -> None:
        user = UserFactory.create()
        results = run_in_parallel(
            2,
            lambda number: services.change_password(
                user_id=user.id,
                session_id=None,
                old_password=PASSWORD,
                new_password=f"{NEW_PASSWORD}{number}",
            ),
        )
        assert sum(result is None for result in results) == 1
        assert events() == ["users.password_changed"]


class TestReset:
    def test_answer_is_the_same_for_known_unknown_and_inactive(self, api: APIClient) -> None:
        user, inactive = UserFactory.create(), UserFactory.create(is_active=False)
        emails = [user.email.upper(), "nobody@example.test", inactive.email]
        answers = [api.post(RESET, {"email": email}) for email in emails]
        assert [answer.status_code for answer in answers] == [202] * 3
        assert answers[0].content == answers[1].content == answers[2].content
        assert asked("users.password_reset_requested") == [str(user.id), None, None]

    def test_link_leads_to_the_frontend(self, settings: Any) -> None:
        settings.FRONTEND_URL = "https://spa.example"
        link = links.password_reset_link(user=UserFactory.create())
        assert link.startswith("https://spa.example/reset-password?token=")

    def test_confirm_sets_it_ends_all_sessions_and_works_once(self, api: APIClient) -> None:
        user = UserFactory.create(email_verified_at=None)
        body = log_in(user)
        token = token_of(links.password_reset_link(user=user))
        confirm = {"token": token, "new_password": NEW_PASSWORD}
        assert api.post(CONFIRM, confirm).status_code == 200
        assert not is_alive(body["access_token"])
        assert code_of(refresh(body["refresh_token"])) == "TOKEN_INVALID"
        user.refresh_from_db()
        assert user.email_verified_at is not None
        assert Session.objects.get().end_reason == Session.EndReason.PASSWORD
        again = api.post(CONFIRM, {**confirm, "new_password": "yet-another-phrase-8"})
        assert again.status_code == 422
        assert code_of(again) == "LINK_INVALID"
        assert log_in(user, NEW_PASSWORD)
        assert events() == ["users.password_changed"]

    def test_a_login_meanwhile_leaves_the_link_good(self, api: APIClient) -> None:
        user = UserFactory.create()
        token = token_of(links.password_reset_link(user=user))
        log_in(user)
        body = {"token": token, "new_password": NEW_PASSWORD}
        assert api.post(CONFIRM, body).status_code == 200

    def test_weak_password_leaves_the_link_good(self, api: APIClient) -> None:
        user = UserFactory.create()
        token = token_of(links.password_reset_link(user=user))
        weak = api.post(CONFIRM, {"token": token, "new_password": "short"})
        assert weak.status_code == 422
        assert list(weak.json()["error"]["details"]) == ["new_password"]
        body = {"token": token, "new_password": NEW_PASSWORD}
        assert api.post(CONFIRM, body).status_code == 200

    def test_the_old_one_again_is_422_and_leaves_the_link_good(self, api: APIClient) -> None:
        user = UserFactory.create()
        token = token_of(links.password_reset_link(user=user))
        same = api.post(CONFIRM, {"token": token, "new_password": PASSWORD})
        assert same.status_code == 422
        assert list(same.json()["error"]["details"]) == ["new_password"]
        body = {"token": token, "new_password": NEW_PASSWORD}
        assert api.post(CONFIRM, body).status_code == 200

    def test_expires(self, api: APIClient, clock: time_machine.Traveller, settings: Any) -> None:
        token = token_of(links.password_reset_link(user=UserFactory.create()))
        clock.shift(settings.PASSWORD_RESET_TIMEOUT + 1)
        body = {"token": token, "new_password": NEW_PASSWORD}
        assert code_of(api.post(CONFIRM, body)) == "LINK_INVALID"

    def test_of_another_person_or_garbled_is_refused(self, api: APIClient) -> None:
        user, other = UserFactory.create(), UserFactory.create()
        token = token_of(links.password_reset_link(user=user))
        stolen = f"{other.id}.{token.partition('.')[2]}"
        verification = token_of(links.verification_link(user=user))
        for bad in (stolen, "x", ".", f"{user.id}.", f"{user.id}.a-b", verification, "é.é"):
            response = api.post(CONFIRM, {"token": bad, "new_password": NEW_PASSWORD})
            assert response.status_code == 422, bad
            assert code_of(response) == "LINK_INVALID"

    def test_deactivated_meanwhile(self, api: APIClient) -> None:
        user = UserFactory.create()
        token = token_of(links.password_reset_link(user=user))
        User.objects.update(is_active=False)
        body = {"token": token, "new_password": NEW_PASSWORD}
        assert code_of(api.post(CONFIRM, body)) == "LINK_INVALID"

    @pytest.mark.parametrize("body", [{}, {"email": 5}, {"email": None}, []])
    def test_bad_bodies_are_400(self, api: APIClient, body: Any) -> None:
        assert api.post(RESET, body).status_code == 400
        assert api.post(CONFIRM, body).status_code == 400

    @pytest.mark.django_db(transaction=True)
    def test_of_two_confirmations_at_once_one_holds(self) -> None:
        token = token_of(links.password_reset_link(user=UserFactory.create()))
        results = run_in_parallel(
            6,
            lambda number: services.confirm_password_reset(
                token=token, new_password=f"{NEW_PASSWORD}{number}"
            ),
        )
        assert sum(result is None for result in results) == 1
        assert sum(isinstance(result, LinkInvalid) for result in results) == 5
        assert events() == ["users.password_changed"]


class TestVerify:
    def test_verifies_and_again_changes_nothing(
        self, api: APIClient, clock: time_machine.Traveller
    ) -> None:
        user = UserFactory.create(email_verified_at=None)
        token = token_of(links.verification_link(user=user))
        assert api.post(VERIFY, {"token": token}).status_code == 200
        user.refresh_from_db()
        first = user.email_verified_at
        assert first is not None
        clock.shift(60)
        assert api.post(VERIFY, {"token": token}).status_code == 200
        user.refresh_from_db()
        assert user.email_verified_at == first

    def test_expires(self, api: APIClient, clock: time_machine.Traveller) -> None:
        user = UserFactory.create(email_verified_at=None)
        token = token_of(links.verification_link(user=user))
        clock.shift(dt.timedelta(days=3, seconds=1))
        response = api.post(VERIFY, {"token": token})
        assert response.status_code == 422
        assert code_of(response) == "LINK_INVALID"
        user.refresh_from_db()
        assert user.email_verified_at is None

    def test_an_old_address_verifies_nothing(self, api: APIClient) -> None:
        user = UserFactory.create(email_verified_at=None)
        token = token_of(links.verification_link(user=user))
        User.objects.filter(id=user.id).update(email="new@example.test")
        assert code_of(api.post(VERIFY, {"token": token})) == "LINK_INVALID"

    @pytest.mark.parametrize("token", ["x", "a:b:c", "é", "." * 900])
    def test_garbled(self, api: APIClient, token: str) -> None:
        assert code_of(api.post(VERIFY, {"token": token})) == "LINK_INVALID"

    def test_signed_for_something_else(self, api: APIClient) -> None:
        user = UserFactory.create(email_verified_at=None)
        forged = signing.dumps({"user_id": str(user.id), "email": user.email}, salt="other")
        assert code_of(api.post(VERIFY, {"token": forged})) == "LINK_INVALID"

    @pytest.mark.parametrize("body", [{}, {"token": 5}, {"token": None}])
    def test_bad_bodies_are_400(self, api: APIClient, body: Any) -> None:
        assert api.post(VERIFY, body).status_code == 400


class TestResend:
    def test_answer_is_the_same_for_everybody(self, api: APIClient) -> None:
        user, verified = UserFactory.create(email_verified_at=None), UserFactory.create()
        emails = [user.email.upper(), verified.email, "nobody@example.test"]
        answers = [api.post(RESEND, {"email": email}) for email in emails]
        assert [answer.status_code for answer in answers] == [202] * 3
        assert answers[0].content == answers[1].content == answers[2].content
        assert asked("users.verification_requested") == [str(user.id), None, None]

    def test_signed_in_it_needs_no_email(self) -> None:
        user = UserFactory.create(email_verified_at=None)
        client = bearer(log_in(user)["access_token"])
        assert client.post(RESEND).status_code == 202
        assert OutboxEvent.objects.get().payload == {"user_id": str(user.id)}

    def test_otherwise_it_does(self, api: APIClient) -> None:
        response = api.post(RESEND, {})
        assert response.status_code == 400
        assert list(response.json()["error"]["details"]) == ["email"]


def test_set_password_by_staff_ends_every_session() -> None:
    user = UserFactory.create()
    body = log_in(user)
    services.set_password(user_id=user.id, new_password=NEW_PASSWORD, actor_id=None)
    assert not is_alive(body["access_token"])
    assert log_in(user, NEW_PASSWORD)


@pytest.mark.parametrize("password", [PASSWORD, "short"])
def test_staff_set_no_weak_password_and_not_the_same_again(password: str) -> None:
    user = UserFactory.create()
    body = log_in(user)
    with pytest.raises(Invalid) as refused:
        services.set_password(user_id=user.id, new_password=password, actor_id=None)
    assert list(refused.value.details) == ["new_password"]
    assert is_alive(body["access_token"])


def test_no_other_door_stores_a_password() -> None:
    """Whatever changes one goes through the services, which end sessions and tell the person.
    People are made with one elsewhere, too."""
    stores = re.compile(r"\.password\s*=[^=]|(?<!services\.)\b(?:set|make)_password\(")
    doors = set()
    for path in Path(settings.BASE_DIR).glob("[a-z]*/**/*.py"):
        parts = path.relative_to(settings.BASE_DIR).parts
        if not {"tests", "migrations", "devtools", "benchmarks"} & set(parts):
            doors |= {"/".join(parts)} if stores.search(path.read_text()) else set()
    assert doors - {"users/models.py", "api/demo/rows/people.py"} == {
        "users/services/accounts.py", "users/services/passwords.py",
    }  # fmt: skip
