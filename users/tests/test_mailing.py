"""Asking for mails: nobody uses up what another may ask for, and nobody learns who is here."""

import datetime as dt
import re
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from core.models import OutboxDelivery, OutboxEvent
from tests.factories import UserFactory
from users.models import User
from users.tests.conftest import bearer, log_in
from users.tests.test_passwords import RESEND, RESET, asked

VERIFICATION, PASSWORD_RESET = "users.verification_requested", "users.password_reset_requested"

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> User:
    return UserFactory.create(email="ada@example.test", email_verified_at=None)


@pytest.fixture(autouse=True)
def _limit(rates: dict[str, str]) -> None:
    rates["mail"] = "2/hour"


def ask(path: str, ip: str, email: str = "ada@example.test") -> int:
    return APIClient().post(path, {"email": email}, REMOTE_ADDR=ip).status_code


def test_asking_for_one_kind_uses_up_no_other(owner: User) -> None:
    for _ in range(3):
        ask(RESEND, "203.0.113.1")
    assert ask(RESET, "203.0.113.1") == 202
    assert asked(PASSWORD_RESET) == [str(owner.id)]


def test_one_senders_asking_uses_up_no_others(owner: User) -> None:
    assert [ask(RESET, "203.0.113.1") for _ in range(3)] == [202, 202, 429]
    assert ask(RESET, "203.0.113.2") == 202
    assert len(asked(PASSWORD_RESET)) == 3


def test_people_behind_one_address_ask_each_for_themselves(owner: User) -> None:
    other = UserFactory.create(email="bob@example.test")
    assert [ask(RESET, "203.0.113.1") for _ in range(3)] == [202, 202, 429]
    assert ask(RESET, "203.0.113.1", other.email) == 202
    assert asked(PASSWORD_RESET) == [str(owner.id)] * 2 + [str(other.id)]


def test_a_network_asks_so_often_over_all_addresses(rates: dict[str, str]) -> None:
    rates["mail"] = "1/hour"
    answers = [ask(RESET, "203.0.113.1", f"person{number}@example.test") for number in range(22)]
    assert answers == [202] * 20 + [429] * 2
    assert ask(RESEND, "203.0.113.1") == 202


# Far from the end of an hour, in which counts would begin anew.
WITHIN_AN_HOUR = dt.datetime(2026, 3, 1, 10, 10, tzinfo=dt.UTC)


def counts_kept() -> set[str]:
    return {*cache.keys("throttle:*"), *cache.keys("attempts:*")}  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", [RESET, RESEND])
def test_a_sender_who_varies_the_address_is_refused_and_leaves_nothing(
    path: str, rates: dict[str, str]
) -> None:
    rates["mail"] = "1/hour"
    for number in range(20):
        assert ask(path, "203.0.113.1", f"person{number}@example.test") == 202
    kept = counts_kept()
    for number in range(20, 30):
        assert ask(path, "203.0.113.1", f"person{number}@example.test") == 429
    assert counts_kept() == kept


@time_machine.travel(WITHIN_AN_HOUR)
@pytest.mark.parametrize("path", [RESET, RESEND])
def test_what_is_no_address_has_one_count(path: str, rates: dict[str, str]) -> None:
    rates["mail"] = "10/hour"
    for number in range(5):
        assert ask(path, "203.0.113.1", f"person{number}") in (400, 422)
    assert len(counts_kept()) == 1


@time_machine.travel(WITHIN_AN_HOUR)
@pytest.mark.parametrize("path", [RESET, RESEND])
def test_a_network_that_is_used_up_tells_nobody_who_is_known_there(
    owner: User, path: str, rates: dict[str, str]
) -> None:
    rates["mail"] = "1/hour"
    log_in(owner)  # from 127.0.0.1
    for number in range(21):
        ask(path, "127.0.0.1", f"person{number}@example.test")
    for email in (owner.email, "bob@example.test"):
        assert ask(path, "127.0.0.1", email) == 429


@pytest.mark.parametrize("path", [RESET, RESEND])
@pytest.mark.parametrize("body", [b"{", b"[]", b'{"email": {}}', b'{"email": "\\ud800"}'])
def test_what_cannot_be_read_is_counted_too(path: str, body: bytes) -> None:
    answers = [
        APIClient().post(path, body, content_type="application/json").status_code for _ in range(3)
    ]
    assert answers[:2] in ([400, 400], [422, 422])
    assert answers[2] == 429


def test_addresses_of_one_ipv6_network_are_one_sender(owner: User) -> None:
    answers = [ask(RESET, f"2001:db8:1:2::{number}") for number in (1, 2, 3)]
    assert answers == [202, 202, 429]


def flood() -> None:
    for number in range(20):
        ask(RESET, f"203.0.113.{number}")


def test_no_mailbox_is_flooded_from_many_networks(owner: User) -> None:
    flood()
    assert len(asked(PASSWORD_RESET)) == 8


def test_a_flood_never_shuts_out_the_owner_where_they_are_known(owner: User) -> None:
    log_in(owner)  # from 127.0.0.1
    flood()
    assert ask(RESET, "203.0.113.99") == 202
    assert len(asked(PASSWORD_RESET)) == 8, "a stranger's asking changes nothing any more"
    assert ask(RESET, "127.0.0.1") == 202
    assert len(asked(PASSWORD_RESET)) == 9


def test_a_flood_never_shuts_out_the_person_signed_in(owner: User) -> None:
    client = bearer(log_in(owner)["access_token"])
    for number in range(20):
        ask(RESEND, f"203.0.113.{number}")
    before = len(asked(VERIFICATION))
    assert client.post(RESEND).status_code == 202
    assert len(asked(VERIFICATION)) == before + 1


def test_whoever_is_signed_in_has_one_count_whatever_address_they_name(owner: User) -> None:
    client = bearer(log_in(owner)["access_token"])
    bodies = [{}, *({"email": f"other{number}@example.test"} for number in range(3))]
    assert [client.post(RESEND, body).status_code for body in bodies] == [202, 202, 429, 429]


def test_the_mailboxs_window_is_no_longer_than_a_link_works(
    owner: User, rates: dict[str, str], settings: Any
) -> None:
    """So whoever finds it closed has a link that works, whoever asked for it."""
    rates["mail"] = "2/day"
    flood()
    [key] = [key for key in cache.keys("attempts:mail:*") if cache.get(key) > 2]  # type: ignore[attr-defined]
    assert 0 < cache.ttl(key) <= settings.PASSWORD_RESET_TIMEOUT  # type: ignore[attr-defined]


def work(path: str, email: str) -> list[str]:
    """What a request does in the database, its values and the names of savepoints aside."""
    with CaptureQueriesContext(connection) as queries:
        assert ask(path, "203.0.113.1", email) == 202
    statements = [re.split(r" VALUES | FROM unnest| WHERE ", query["sql"])[0] for query in queries]
    return [re.sub(r'"s\d+_x\d+"', "s", sql) for sql in statements]


@pytest.mark.parametrize("path", [RESET, RESEND])
def test_the_work_is_the_same_whoever_is_asked_for(path: str, rates: dict[str, str]) -> None:
    rates["mail"] = "none"
    UserFactory.create(email="known@example.test", email_verified_at=None)
    UserFactory.create(email="verified@example.test")
    UserFactory.create(email="gone@example.test", is_active=False)
    done = {
        name: work(path, f"{name}@example.test") for name in ("known", "verified", "gone", "nobody")
    }
    assert done["known"]
    assert {name: sql for name, sql in done.items() if sql != done["known"]} == {}
    assert OutboxEvent.objects.count() == 4
    assert OutboxDelivery.objects.count() == 4


@pytest.mark.parametrize("path", [RESET, RESEND])
def test_the_limits_are_the_same_whoever_is_asked_for(path: str, owner: User) -> None:
    answers = {}
    for email in (owner.email, "nobody@example.test"):
        OutboxEvent.objects.all().delete()
        cache.delete_pattern("*")  # type: ignore[attr-defined]
        statuses = [ask(path, f"203.0.113.{number}", email) for number in range(12)]
        answers[email] = (statuses, OutboxEvent.objects.count())
    assert answers[owner.email] == answers["nobody@example.test"]
