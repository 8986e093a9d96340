"""Stripe's door: stores and answers exactly as Django would, and leaves the rest to it."""

import io
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import OperationalError, close_old_connections, connection, transaction
from django.test.utils import CaptureQueriesContext
from psycopg import errors

from api import events_door
from api.events_door import PATH, EventsDoor
from core.logging import current_id
from payments.models import StripeEvent
from payments.services import receiving
from payments.tests.test_inbox import sign

pytestmark = pytest.mark.django_db

DJANGO = get_wsgi_application()
Asked = tuple[str, list[tuple[str, str]], bytes]


@pytest.fixture(autouse=True)
def _keep_to_the_test(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[None]:
    """Requests don't close the test's connection."""
    settings.STRIPE_SECRET_KEY = "sk_test_door"
    settings.STRIPE_WEBHOOK_SECRETS = ["whsec_door"]
    monkeypatch.setattr("api.events_door.close_old_connections", lambda: None)
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def asked() -> list[str]:
    """Requests that came through to Django."""
    return []


@pytest.fixture
def door(asked: list[str]) -> EventsDoor:
    """The door, which has learned its headers."""

    def django(environ: Any, start_response: Any) -> Any:
        asked.append(environ["REQUEST_METHOD"])
        return DJANGO(environ, start_response)

    made = EventsDoor(django)
    send(made, event("evt_first"))
    asked.clear()
    return made


def event(identity: str, kind: str = "payment_intent.succeeded") -> bytes:
    data = {"object": {"id": "pi_1", "object": "payment_intent", "client_secret": "x"}}
    told = {"id": identity, "object": "event", "type": kind, "created": 1_700_000_000, "data": data}
    return json.dumps(told).encode()


def send(application: Any, body: bytes, *, secret: str = "whsec_door", **more: str) -> Asked:
    environ = {
        "REQUEST_METHOD": "POST", "PATH_INFO": PATH, "QUERY_STRING": "", "SCRIPT_NAME": "",
        "SERVER_NAME": "testserver", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "testserver", "REMOTE_ADDR": "127.0.0.1", "wsgi.url_scheme": "http",
        "CONTENT_TYPE": "application/json; charset=utf-8", "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body), "wsgi.errors": io.StringIO(),
        "HTTP_STRIPE_SIGNATURE": sign(body, secret), **more,
    }  # fmt: skip
    started: list[Any] = []
    response = application(environ, lambda *given: started.append(given))
    answer = b"".join(response)
    if hasattr(response, "close"):
        response.close()
    ((status, headers),) = started
    return status, sorted(headers), answer


@pytest.mark.parametrize("origin", [None, "http://localhost:5173", "http://elsewhere.example"])
def test_answers_are_djangos_header_for_header(
    door: EventsDoor, asked: list[str], origin: str | None
) -> None:
    more = {"HTTP_X_REQUEST_ID": "the-same-for-both"} | ({"HTTP_ORIGIN": origin} if origin else {})
    send(door, event("evt_learn"), **more)
    asked.clear()
    expected = send(DJANGO, event("evt_django"), **more)
    assert send(door, event("evt_door"), **more) == expected
    assert not asked
    one, other = (StripeEvent.objects.get(id=name) for name in ("evt_django", "evt_door"))
    told = ("type", "object_id", "status", "created_at_stripe", "request_id", "payload")
    assert all(getattr(one, name) == getattr(other, name) for name in told[:-1])
    assert one.payload | {"id": ""} == other.payload | {"id": ""}


def test_an_event_that_comes_again_is_one_row(door: EventsDoor, asked: list[str]) -> None:
    for _ in range(2):
        assert send(door, event("evt_again"))[0] == "200 OK"
    assert StripeEvent.objects.filter(id="evt_again").count() == 1
    assert not asked


def test_what_isnt_signed_is_djangos_to_refuse(door: EventsDoor, asked: list[str]) -> None:
    status, _, body = send(door, event("evt_forged"), secret="whsec_of_nobody")
    assert (status, asked) == ("400 Bad Request", ["POST"])
    assert json.loads(body)["error"]["code"] == "INVALID_SIGNATURE"
    assert not StripeEvent.objects.filter(id="evt_forged").exists()


def test_a_stranger_teaches_it_nothing(asked: list[str]) -> None:
    made = EventsDoor(lambda *given: asked.append("") or DJANGO(*given))  # type: ignore[func-returns-value]
    for _ in range(2):
        send(made, event("evt_forged"), secret="whsec_of_nobody")
    assert send(made, event("evt_real"))[0] == "200 OK"
    assert len(asked) == 3


@pytest.mark.parametrize(
    "more",
    [
        {"REQUEST_METHOD": "GET"},
        {"QUERY_STRING": "a=b"},
        {"HTTP_HOST": "elsewhere.example"},
        {"CONTENT_LENGTH": ""},
        {"CONTENT_LENGTH": str(events_door._LONGEST_BODY + 1)},
        {"PATH_INFO": PATH.removesuffix("/")},
    ],
)
def test_whatever_isnt_plain_is_djangos(
    door: EventsDoor, asked: list[str], more: dict[str, str]
) -> None:
    send(door, event("evt_strange"), **more)
    assert len(asked) == 1


def test_with_the_database_away_django_answers(
    door: EventsDoor, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(events: Any) -> int:
        raise OperationalError("away")

    monkeypatch.setattr(receiving, "_store", fail)
    assert send(door, event("evt_away"))[0] == "503 Service Unavailable"
    assert asked


@pytest.mark.parametrize("cause", [errors.LockNotAvailable(), errors.QueryCanceled()])
def test_what_postgresql_gave_up_after_its_time_isnt_waited_for_again(
    door: EventsDoor, asked: list[str], monkeypatch: pytest.MonkeyPatch, cause: Exception
) -> None:
    tried: list[Any] = []

    def fail(events: Any) -> int:
        tried.append(events)
        raise OperationalError("too late") from cause

    with monkeypatch.context() as failing:
        failing.setattr(receiving, "_store", fail)
        status, headers, body = send(door, event("evt_late"))
    assert status == "503 Service Unavailable"
    assert ("Retry-After", "5") in headers
    assert json.loads(body)["error"]["code"] == "SERVICE_UNAVAILABLE"
    assert (len(asked), len(tried)) == (1, 1)
    assert send(door, event("evt_late"))[0] == "200 OK"


@pytest.mark.django_db(transaction=True)
def test_a_webhook_waits_once_for_a_lock(door: EventsDoor, settings: Any) -> None:
    """Somebody holds the table for longer than a request waits."""
    held, over = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE payments_stripeevent IN ACCESS EXCLUSIVE MODE")
            held.set()
            assert over.wait(timeout=60)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert held.wait(timeout=60)
        with connection.cursor() as cursor, CaptureQueriesContext(connection) as asked:
            cursor.execute("SET lock_timeout = '200ms'")
            assert send(door, event("evt_waits"))[0] == "503 Service Unavailable"
        assert len([one for one in asked if "INSERT" in one["sql"]]) == 1
    finally:
        over.set()
        holder.join()
        connection.close()


def test_what_an_event_causes_knows_its_request(
    door: EventsDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(door, event("evt_known"), HTTP_X_REQUEST_ID="a-request-of-stripes")
    assert StripeEvent.objects.get(id="evt_known").request_id == "a-request-of-stripes"
    assert current_id() == ""
