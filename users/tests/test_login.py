"""Logging in, and how failing is limited."""

from typing import Any

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher, make_password
from django.core.cache import cache
from rest_framework.test import APIClient

from core import attempts
from tests.factories import UserFactory
from tests.factories.people import PASSWORD
from tests.parallel import run_in_parallel
from users import services
from users.errors import InvalidCredentials
from users.models import Session, User
from users.services import accounts
from users.tests.conftest import code_of, is_alive

URL = "/api/v1/auth/login/"
CALLER = services.Caller(device="test", ip="127.0.0.1")

pytestmark = pytest.mark.django_db


def fail(api: APIClient, email: str, **extra: Any) -> Any:
    return api.post(URL, {"email": email, "password": "wrong-wrong-wrong"}, **extra)


def test_answers_tokens_and_person(api: APIClient) -> None:
    user = UserFactory.create(is_instructor=True)
    response = api.post(URL, {"email": user.email.upper(), "password": PASSWORD})
    assert response.status_code == 200
    body = response.json()
    assert list(body) == ["access_token", "refresh_token", "user"]
    assert body["user"] == {
        "id": str(user.id),
        "email": user.email,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "is_instructor": True,
    }
    assert is_alive(body["access_token"])
    assert response.cookies["learnflow_refresh"].value == body["refresh_token"]
    assert response["Cache-Control"] == "private, no-store"


def test_each_login_opens_a_session_of_its_own(api: APIClient) -> None:
    user = UserFactory.create()
    for device in ("phone", "x" * 300):
        api.post(URL, {"email": user.email, "password": PASSWORD}, HTTP_USER_AGENT=device)
    sessions = Session.objects.filter(user=user).order_by("created_at", "id")
    assert [session.device for session in sessions] == ["phone", "x" * 255]
    assert all(session.ended_at is None for session in sessions)


def test_unknown_wrong_and_inactive_are_told_apart_by_nobody(api: APIClient) -> None:
    user, inactive = UserFactory.create(), UserFactory.create(is_active=False)
    answers = [
        fail(api, "nobody@example.test"),
        fail(api, user.email),
        api.post(URL, {"email": inactive.email, "password": PASSWORD}),
    ]
    for response in answers:
        assert response.status_code == 401
        assert code_of(response) == "INVALID_CREDENTIALS"
        response.json()["error"].pop("request_id")
    errors = [{**answer.json()["error"], "request_id": ""} for answer in answers]
    assert errors[0] == errors[1] == errors[2]
    assert not Session.objects.exists()
    assert all("learnflow_refresh" not in answer.cookies for answer in answers)


def test_every_refusal_hashes_once(api: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same time needs the same work: one hash by the slow hasher, whoever it is."""
    from django.contrib.auth.hashers import MD5PasswordHasher

    hashed: list[str] = []
    original = MD5PasswordHasher.encode

    def counting(self: Any, password: str, salt: str) -> str:
        hashed.append(password)
        return str(original(self, password, salt))

    user, inactive = UserFactory.create(), UserFactory.create(is_active=False)
    unusable = UserFactory.create(password=None)
    User.objects.filter(id=unusable.id).update(password=make_password(None))
    monkeypatch.setattr(MD5PasswordHasher, "encode", counting)
    for email in ("nobody@example.test", user.email, inactive.email, unusable.email):
        hashed.clear()
        assert fail(api, email).status_code == 401
        assert len(hashed) == 1, email


def test_every_refusal_hashes_as_hard_with_the_real_hasher(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What one hash takes goes by its parameters, whether a password is hashed or compared."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
    hashed: list[Any] = []
    encode, verify = Argon2PasswordHasher.encode, Argon2PasswordHasher.verify

    def encode_and_note(self: Argon2PasswordHasher, password: str, salt: str) -> str:
        made = encode(self, password, salt)
        hashed.append(self.decode(made)["params"])
        return made

    def verify_and_note(self: Argon2PasswordHasher, password: str, encoded: str) -> bool:
        hashed.append(self.decode(encoded)["params"])
        return verify(self, password, encoded)

    user, inactive = UserFactory.create(), UserFactory.create(is_active=False)
    assert user.password.startswith("argon2$")
    emails = ("nobody@example.test", user.email, inactive.email)
    monkeypatch.setattr(Argon2PasswordHasher, "encode", encode_and_note)
    monkeypatch.setattr(Argon2PasswordHasher, "verify", verify_and_note)
    for email in emails:
        with pytest.raises(InvalidCredentials):
            services.sign_in(email=email, password="wrong-wrong", caller=CALLER)
    assert hashed == [hashed[0]] * len(emails)


def test_an_old_hash_is_upgraded(settings: Any) -> None:
    user = UserFactory.create()
    assert user.password.startswith("md5$")
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
        "django.contrib.auth.hashers.MD5PasswordHasher",
    ]
    services.sign_in(email=user.email, password=PASSWORD, caller=CALLER)
    user.refresh_from_db()
    assert user.password.startswith("pbkdf2_")


def test_a_password_changed_meanwhile_opens_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    user = UserFactory.create()
    checked = accounts.authenticate

    def check_then_change(**credentials: Any) -> Any:
        found = checked(**credentials)
        services.set_password(user_id=user.id, new_password="something-else-9", actor_id=None)
        return found

    monkeypatch.setattr(accounts, "authenticate", check_then_change)
    with pytest.raises(InvalidCredentials):
        services.sign_in(email=user.email, password=PASSWORD, caller=CALLER)
    assert not Session.objects.exists()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"email": "a@b.test"}, 400),
        ({"email": 1, "password": "x"}, 400),
        ({"email": "a@b.test", "password": {"a": 1}}, 400),
        ({"email": "nope", "password": "x"}, 422),
        ({"email": "a@b.test", "password": ""}, 422),
        ({"email": "a@b.test", "password": "x" * 5000}, 422),
    ],
)
def test_unacceptable_bodies(api: APIClient, body: dict[str, Any], status: int) -> None:
    assert api.post(URL, body).status_code == status


class TestLimit:
    @pytest.fixture(autouse=True)
    def _limit(self, rates: dict[str, str]) -> None:
        rates["login"] = "3/hour"

    def test_failures_beyond_the_rate_are_429(self, api: APIClient) -> None:
        user = UserFactory.create()
        assert [fail(api, user.email).status_code for _ in range(4)] == [401, 401, 401, 429]
        response = api.post(URL, {"email": user.email.upper(), "password": PASSWORD})
        assert response.status_code == 429
        assert code_of(response) == "RATE_LIMITED"
        assert 3500 < int(response["Retry-After"]) <= 3600
        assert not Session.objects.exists()

    def test_successes_are_never_counted(self, api: APIClient) -> None:
        user = UserFactory.create()
        for _ in range(8):
            assert api.post(URL, {"email": user.email, "password": PASSWORD}).status_code == 200

    def test_a_success_resets(self, api: APIClient) -> None:
        user = UserFactory.create()
        for _ in range(3):
            assert [fail(api, user.email).status_code for _ in range(2)] == [401, 401]
            assert api.post(URL, {"email": user.email, "password": PASSWORD}).status_code == 200

    def test_other_accounts_and_addresses_are_free(self, api: APIClient) -> None:
        user, other = UserFactory.create(), UserFactory.create()
        for _ in range(4):
            fail(api, user.email)
        assert fail(api, user.email).status_code == 429
        assert fail(api, other.email).status_code == 401
        assert fail(api, user.email, REMOTE_ADDR="203.0.113.9").status_code == 401

    def test_a_forged_forwarded_address_doesnt_help(self, api: APIClient) -> None:
        user = UserFactory.create()
        for number in range(3):
            fail(api, user.email, HTTP_X_FORWARDED_FOR=f"203.0.113.{number}")
        assert fail(api, user.email, HTTP_X_FORWARDED_FOR="203.0.113.9").status_code == 429

    def test_an_address_fails_so_often_over_all_accounts(
        self, api: APIClient, rates: dict[str, str]
    ) -> None:
        rates["login"] = "1/hour"
        statuses = [fail(api, f"a{number}@example.test").status_code for number in range(21)]
        assert statuses == [401] * 20 + [429]

    def test_none_switches_it_off(self, api: APIClient, rates: dict[str, str]) -> None:
        rates["login"] = "none"
        assert {fail(api, "a@example.test").status_code for _ in range(10)} == {401}

    def test_the_window_closes_by_itself(self, api: APIClient) -> None:
        for _ in range(3):
            fail(api, "a@example.test")
        limit = attempts.limit(scope="login", subject="a@example.test|127.0.0.1")
        assert limit is not None
        cache.expire(limit.key, timeout=0)  # type: ignore[attr-defined]
        assert fail(api, "a@example.test").status_code == 401

    def test_without_redis_everybody_may_try(self, api: APIClient, settings: Any) -> None:
        settings.CACHES = {
            "default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}
        }
        user = UserFactory.create()
        assert {fail(api, user.email).status_code for _ in range(5)} == {401}
        assert api.post(URL, {"email": user.email, "password": PASSWORD}).status_code == 200

    @pytest.mark.django_db(transaction=True)
    def test_of_many_guesses_at_once_only_so_many_are_told(self) -> None:
        user = UserFactory.create()

        def guess() -> int:
            return int(fail(APIClient(), user.email).status_code)

        statuses = run_in_parallel(10, lambda _: guess())
        assert sorted(statuses, key=str) == [401] * 3 + [429] * 7

    def test_a_right_guess_after_the_limit_isnt_told(
        self, api: APIClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As if others had failed while this one was being checked."""
        user = UserFactory.create()
        checked = accounts.authenticate

        def others_fail(**credentials: Any) -> Any:
            monkeypatch.setattr(accounts, "authenticate", checked)
            for _ in range(3):
                fail(api, user.email)
            return checked(**credentials)

        monkeypatch.setattr(accounts, "authenticate", others_fail)
        response = api.post(URL, {"email": user.email, "password": PASSWORD})
        assert response.status_code == 429
        assert not Session.objects.exists()
