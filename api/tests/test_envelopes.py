"""Headers that doors learn from Django: by the kind of answer, for a minute, within bounds."""

from typing import Any

import pytest

from api.envelopes import Envelopes, Headers
from courses.cache import SHARES

COMMON = ("Vary", "origin")
OWN = [("ETag", '"1"'), ("Last-Modified", "x"), ("Content-Length", "7"), ("X-Request-ID", "r")]


def start(status: str, headers: Headers, *rest: Any) -> str:
    return "started"


def kind_at(host: str, *more: str) -> Any:
    return Envelopes.tell_kind({"HTTP_HOST": host, "wsgi.url_scheme": "http"}, *more)


def test_what_django_said_is_known_for_this_kind_alone() -> None:
    known = Envelopes("headers")
    assert known.learn(kind_at("a", "list"), start)("200 OK", [COMMON, *OWN]) == "started"
    found = known.find(kind_at("a", "list"))
    assert found is not None
    assert found.headers == [COMMON], "without those of one answer"
    assert known.find(kind_at("b", "list")) is None
    assert known.find(kind_at("a", "page")) is None


@pytest.mark.parametrize("status", ["400 Bad Request", "304 Not Modified", "503 Unavailable"])
def test_only_a_good_answer_teaches(status: str) -> None:
    known = Envelopes("headers")
    known.learn(kind_at("a"), start)(status, [COMMON])
    assert len(known) == 0


def test_an_answer_of_another_kind_teaches_nothing() -> None:
    known = Envelopes("headers")
    known.learn(kind_at("a"), start, is_of_kind=lambda headers: COMMON not in headers)(
        "200 OK", [COMMON]
    )
    assert len(known) == 0


def test_it_is_learned_anew_after_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("courses.cache.time.monotonic", lambda: now[0])
    known = Envelopes("webhook headers")
    known.learn(kind_at("a"), start)("200 OK", [COMMON])
    now[0] += 59
    assert known.find(kind_at("a"))
    now[0] += 2
    assert known.find(kind_at("a")) is None, "the first to ask is to learn it"


def test_however_many_kinds_there_are_they_take_their_share(settings: Any) -> None:
    settings.CATALOGUE_MEMORY_BYTES = 1_000_000
    known = Envelopes("webhook headers")
    for number in range(100):
        known.learn(kind_at(f"host-{number}"), start)("200 OK", [COMMON])
    assert 0 < known.size <= 1_000_000 * SHARES["webhook headers"]
    assert known.find(kind_at("host-99"))
    assert known.find(kind_at("host-0")) is None


def test_redis_is_not_asked_about_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A webhook that is stored needs none."""

    def ask() -> str:
        raise AssertionError("asked")

    monkeypatch.setattr("courses.cache.generation", ask)
    known = Envelopes("webhook headers")
    known.learn(kind_at("a"), start)("200 OK", [COMMON])
    assert known.find(kind_at("a"))
