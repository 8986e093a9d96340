"""The patient client: it waits out trouble, and not for ever."""

from collections.abc import Callable

import httpx
import pytest

from devtools.demo_purchase import client as module
from devtools.demo_purchase.client import DemoError, PatientClient, expect, poll

Answer = httpx.Response | Exception


@pytest.fixture
def sleeps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses made; the clock moves with them alone."""
    made: list[float] = []
    monkeypatch.setattr(module.time, "sleep", made.append)
    monkeypatch.setattr(module.time, "monotonic", lambda: sum(made))
    return made


def _client(answers: list[Answer]) -> PatientClient:
    def answer(request: httpx.Request) -> httpx.Response:
        following = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(following, Exception):
            raise following
        return following

    return PatientClient("http://127.0.0.1", transport=httpx.MockTransport(answer))


@pytest.mark.parametrize(
    "trouble",
    [
        lambda: httpx.Response(503),
        lambda: httpx.Response(429),
        lambda: httpx.ConnectError("refused"),
        lambda: httpx.ReadError("reset"),
    ],
)
def test_passing_trouble_is_waited_out(sleeps: list[float], trouble: Callable[[], Answer]) -> None:
    response = _client([trouble(), trouble(), httpx.Response(200, json={"ok": 1})]).get("/")

    assert expect(response, 200) == {"ok": 1}
    assert sleeps == [0.2, 0.4]


def test_retry_after_is_respected(sleeps: list[float]) -> None:
    limited = httpx.Response(429, headers={"Retry-After": "7"})

    _client([limited, httpx.Response(200)]).get("/")

    assert sleeps == [7.0]


def test_patience_ends(sleeps: list[float]) -> None:
    with pytest.raises(DemoError, match="not answered in time: 503"):
        _client([httpx.Response(503)]).get("/")
    assert 60 < sum(sleeps) <= 120


def test_patience_is_as_long_as_it_is_told_to_be(sleeps: list[float]) -> None:
    away = httpx.MockTransport(lambda _: httpx.Response(503))
    with pytest.raises(DemoError, match="not answered in time: 503"):
        PatientClient("http://127.0.0.1", patience=600, transport=away).get("/")
    assert 540 < sum(sleeps) <= 600


def test_a_refusal_is_not_repeated(sleeps: list[float]) -> None:
    response = _client([httpx.Response(409, json={})]).post("/", {})

    with pytest.raises(DemoError, match="409"):
        expect(response, 200, 201)
    assert sleeps == []


def test_polling_answers_or_ends(sleeps: list[float]) -> None:
    looks = iter([None, None, "found"])
    assert poll(10, "It", lambda: next(looks)) == "found"

    with pytest.raises(DemoError, match="It did not happen within 10 s"):
        poll(10, "It", lambda: None)
