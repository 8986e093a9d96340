"""Guessing one account's password from many networks, and the owner who gets in all the same."""

from typing import Any

import pytest
from django.core.cache import cache
from rest_framework.test import APIClient

from core import attempts
from tests.factories import UserFactory
from tests.factories.people import PASSWORD
from tests.parallel import run_in_parallel
from users import links, services
from users.models import Session, User
from users.tests.conftest import NEW_PASSWORD, code_of
from users.tests.test_passwords import token_of

URL = "/api/v1/auth/login/"
CONFIRM = "/api/v1/auth/password-reset/confirm/"
HOME = "198.51.100.7"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _limit(rates: dict[str, str]) -> None:
    rates["login"] = "5/hour"


@pytest.fixture
def owner() -> User:
    return UserFactory.create(email="ada@example.test")


def enter(password: str, ip: str, email: str = "ada@example.test") -> Any:
    return APIClient().post(URL, {"email": email, "password": password}, REMOTE_ADDR=ip)


def guess_from(addresses: int, email: str = "ada@example.test") -> list[int]:
    """Fail five times from each of so many addresses; return what was answered."""
    return [
        enter("wrong-wrong-wrong", f"203.0.113.{number}", email).status_code
        for number in range(addresses)
        for _ in range(5)
    ]


def wait(email: str = "ada@example.test") -> int:
    """Let the pause of this account pass, as far as there is one; return how long it was."""
    delay = attempts.growing_delay(scope="login", subject=email)
    assert delay is not None
    seconds = int(cache.ttl(f"{delay.key}:until") or 0)  # type: ignore[attr-defined]
    cache.expire(f"{delay.key}:until", timeout=0)  # type: ignore[attr-defined]
    return seconds


@pytest.mark.parametrize("email", ["ada@example.test", "nobody@example.test"])
def test_twenty_addresses_get_ten_guesses(owner: User, email: str) -> None:
    answers = guess_from(20, email)
    assert answers.count(401) == 10
    refused = enter("wrong-wrong-wrong", "203.0.113.99", email)
    assert refused.status_code == 429
    assert code_of(refused) == "RATE_LIMITED"
    assert 0 < int(refused["Retry-After"]) <= 30


def test_the_pauses_grow_to_an_hour_and_end(owner: User) -> None:
    guess_from(2)
    pauses = []
    for number in range(100, 112):
        pauses.append(wait())
        assert enter("wrong-wrong-wrong", f"203.0.113.{number}").status_code == 401
        assert enter("wrong-wrong-wrong", f"203.0.113.{number}").status_code == 429
    nominal = [min(30 * 2**number, 3600) for number in range(12)]
    assert all(0 <= whole - pause <= 5 for whole, pause in zip(nominal, pauses, strict=True))
    wait()
    assert enter(PASSWORD, "203.0.113.200").status_code == 200


def test_the_right_guess_isnt_told_during_a_pause(owner: User) -> None:
    guess_from(2)
    assert enter(PASSWORD, "203.0.113.99").status_code == 429
    assert not Session.objects.exists()


@pytest.mark.parametrize(
    ("known", "now"), [(HOME, HOME), ("2001:db8:1:2::1", "2001:db8:1:2:aaaa::9")]
)
def test_the_owner_gets_in_where_they_are_known(owner: User, known: str, now: str) -> None:
    assert enter(PASSWORD, known).status_code == 200
    guess_from(20)
    assert enter("a-slip-of-the-finger", now).status_code == 401
    assert enter(PASSWORD, now).status_code == 200
    assert enter(PASSWORD, "203.0.113.99").status_code == 429


def test_a_sign_in_without_a_session_makes_a_network_known(owner: User) -> None:
    """The admin's, which comes through the same door."""
    services.check_credentials(email=owner.email, password=PASSWORD, ip=HOME)
    guess_from(20)
    assert services.check_credentials(email=owner.email, password=PASSWORD, ip=HOME) == owner


def test_elsewhere_the_owner_gets_in_by_mail(owner: User) -> None:
    guess_from(20)
    assert enter(PASSWORD, HOME).status_code == 429
    token = token_of(links.password_reset_link(user=owner))
    body = {"token": token, "new_password": NEW_PASSWORD}
    assert APIClient().post(CONFIRM, body, REMOTE_ADDR=HOME).status_code == 200
    assert enter(NEW_PASSWORD, HOME).status_code == 200
    assert enter(NEW_PASSWORD, "203.0.113.99").status_code == 429


def test_a_reset_forgets_the_failures_of_that_network(owner: User) -> None:
    for _ in range(5):
        enter("wrong-wrong-wrong", HOME)
    assert enter(PASSWORD, HOME).status_code == 429
    token = token_of(links.password_reset_link(user=owner))
    body = {"token": token, "new_password": NEW_PASSWORD}
    APIClient().post(CONFIRM, body, REMOTE_ADDR=HOME)
    assert enter(NEW_PASSWORD, HOME).status_code == 200


def test_other_accounts_feel_nothing(owner: User) -> None:
    UserFactory.create(email="bob@example.test")
    guess_from(20)
    assert enter(PASSWORD, "203.0.113.0", "bob@example.test").status_code == 200


def test_a_network_of_ipv6_is_one(owner: User) -> None:
    answers = [
        enter("wrong-wrong-wrong", f"2001:db8:1:2::{number}").status_code for number in range(1, 8)
    ]
    assert answers == [401] * 5 + [429] * 2
    assert enter("wrong-wrong-wrong", "2001:db8:1:3::1").status_code == 401


def test_the_same_work_for_known_and_unknown_during_a_pause(
    owner: User, django_assert_num_queries: Any
) -> None:
    for email in (owner.email, "nobody@example.test"):
        guess_from(2, email)
        with django_assert_num_queries(1):
            assert enter(PASSWORD, "203.0.113.99", email).status_code == 429


@pytest.mark.django_db(transaction=True)
def test_guesses_at_once_gain_nothing(owner: User) -> None:
    answers = run_in_parallel(
        16, lambda number: enter("wrong-wrong-wrong", f"203.0.113.{number}").status_code
    )
    # Ten are free; the one that opens the pause is among them.
    assert answers.count(401) == 10
    assert answers.count(429) == 6
