"""Error reports, as the SDK would send them: nobody's data in them, and one for an outage."""

import json
import os
import subprocess
import sys
from pathlib import Path
from smtplib import (
    SMTPAuthenticationError,
    SMTPConnectError,
    SMTPDataError,
    SMTPRecipientsRefused,
    SMTPSenderRefused,
    SMTPServerDisconnected,
)
from typing import Any

import psycopg
import pytest
import redis
from django.apps import apps
from django.core.cache import cache
from django.db import IntegrityError, InterfaceError, OperationalError, models
from django.urls import get_resolver
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import AuthorizationError
from rest_framework import serializers

from core import reports
from core.logging import request_id
from core.private_fields import is_private
from core.reports import FILTERED, prepare_event, prepare_transaction

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _forget() -> None:
    reports._reports.forget()
    cache.clear()


def event_of(exc: BaseException, **beside: Any) -> dict[str, Any] | None:
    chain = [exc.__cause__, exc] if exc.__cause__ else [exc]
    values = [{"type": type(one).__name__, "value": str(one)} for one in chain]
    given = {"exception": {"values": values}, **beside}
    return prepare_event(given, {"exc_info": (type(exc), exc, None)})


PROGRAM = """
import json, os, sys
import django
from sentry_sdk.transport import Transport
from core.reports import start_reports

class Catch(Transport):
    def capture_envelope(self, envelope):
        for item in envelope.items:
            print(json.dumps(item.payload.json), flush=True)

start_reports(dsn="http://key@127.0.0.1:9/1", environment="x", sample_rate=1.0,
              transport=Catch(), auto_session_tracking=False)
django.setup()
from django.test import Client
from api import exceptions
client = Client(raise_request_exception=False)
"""


def run(program: str, **environment: str) -> list[dict[str, Any]]:
    """Return what a process reported that did this with the SDK switched on."""
    given = {**os.environ, "DJANGO_SETTINGS_MODULE": "learnflow.settings.testing", **environment}
    command = [sys.executable, "-W", "default", "-c", PROGRAM + program]
    done = subprocess.run(
        command, cwd=ROOT, env=given, capture_output=True, text=True, check=False, timeout=100
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


SENT = {
    "password": "correct horse battery", "first_name": "Hypatia", "last_name": "Alexandrina",
    "email": "hypatia@example.org",
}  # fmt: skip


def test_a_request_that_crashes_is_reported_without_what_was_sent() -> None:
    events = run(
        "import os, json\n"
        "from werkzeug.test import Client as Web\n"
        "from django.core.wsgi import get_wsgi_application\n"
        "words, headers, sent = map(json.loads, map(os.environ.get, ('W', 'H', 'S')))\n"
        "def crash(*a, **k): raise RuntimeError(f'for {k}' + words)\n"
        "import api.parsers as p\n"
        "p.StrictJSONParser.parse = crash\n"
        "web = Web(get_wsgi_application())\n"
        "r = web.post('/api/v1/auth/register/', query_string={'email': sent['email']},\n"
        "  json=sent, headers=headers, base_url='http://localhost')\n"
        "assert r.status_code == 500, r.content\n",
        # From outside: since Python 3.13 a report quotes the lines of a program given by -c, too.
        W=json.dumps(" row contains (Hypatia, 5)"),
        H=json.dumps({
            "Authorization": "Bearer eyJabc.def.ghi", "X-Request-ID": "of-this-test",
            "Cookie": "learnflow_refresh=eyJsecret.abc.def",
        }),
        S=json.dumps(SENT),
    )  # fmt: skip
    told = json.dumps(events)
    errors = [event for event in events if event.get("level") == "error"]
    assert len(errors) == 1
    assert errors[0]["tags"]["request_id"] == "of-this-test"
    assert errors[0]["exception"]["values"][-1]["type"] == "RuntimeError"
    assert errors[0]["request"]["url"].endswith("/api/v1/auth/register/")
    for secret in (*SENT.values(), "eyJ", "learnflow_refresh"):
        assert secret not in told, secret


def test_an_outage_is_one_report_however_many_meet_it() -> None:
    events = run(
        "for _ in range(50):\n"
        "    r = client.get('/api/v1/courses/', {'search': 'hypatia@example.org'})\n"
        "    assert r.status_code == 503, r.content\n",
        DATABASE_URL="postgres://u:sesame@127.0.0.1:9/x",
    )
    errors = [event for event in events if event.get("level") == "error"]
    assert len(errors) == 1
    assert errors[0]["fingerprint"] == ["outage", "PostgreSQL"]
    assert "sesame" not in json.dumps(events)


def test_an_outage_is_told_by_one_process_for_all() -> None:
    assert event_of(ConnectionRefusedError("a")) is not None
    reports._reports.forget()  # As another process, that hasn't met it.
    assert event_of(ConnectionRefusedError("a")) is None


def test_an_outage_is_new_when_it_was_quiet_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("core.reports.time.monotonic", lambda: now[0])
    monkeypatch.setattr(reports, "_is_first_of_all", lambda key: True)
    told = []
    for pause in (0, 250, 250, 250, reports.QUIET_SECONDS + 1):
        now[0] += pause
        told.append(event_of(TimeoutError("a")) is not None)
    assert told == [True, False, False, False, True]


def test_without_redis_each_process_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: str) -> None:
        raise redis.ConnectionError("away")

    monkeypatch.setattr(reports, "get_redis_connection", fail)
    assert event_of(TimeoutError("a")) is not None
    assert event_of(TimeoutError("a")) is None


def test_what_an_outage_caused_is_of_it() -> None:
    error = RuntimeError("no answer")
    error.__cause__ = TimeoutError("timed out")
    told = event_of(error)
    assert told is not None
    assert told["fingerprint"] == ["outage", "connection"]


def test_other_errors_are_told_apart_and_each_not_for_ever() -> None:
    told = [event_of(ValueError("a")) for _ in range(20)] + [event_of(KeyError("b"))]
    assert [event is not None for event in told] == [True] * 5 + [False] * 15 + [True]


def database_error(cause: psycopg.Error) -> BaseException:
    """Django's error for one of psycopg's."""
    error = OperationalError("the database says no")
    error.__cause__ = cause
    return error


ANSWERS = [
    database_error(psycopg.errors.QueryCanceled()), database_error(psycopg.errors.DiskFull()),
    database_error(psycopg.errors.LockNotAvailable()),
    database_error(psycopg.errors.TooManyConnections()),
    database_error(psycopg.errors.ReadOnlySqlTransaction()), psycopg.errors.DeadlockDetected(),
    SMTPRecipientsRefused({}), SMTPDataError(552, b"too large"),
    SMTPSenderRefused(550, b"no", "a"), SMTPAuthenticationError(535, b"no"),
    redis.ResponseError("WRONGTYPE"), redis.ReadOnlyError("READONLY"),
    redis.AuthenticationError("WRONGPASS"), AuthorizationError("no"),
]  # fmt: skip


@pytest.mark.parametrize("exc", ANSWERS, ids=lambda exc: type(exc.__cause__ or exc).__name__)
def test_an_answer_is_no_outage_and_each_is_told_during_one(exc: BaseException) -> None:
    for outage in (OperationalError("away"), SMTPServerDisconnected(), redis.ConnectionError()):
        assert event_of(outage) is not None
    for other in ANSWERS:
        if other is not exc:
            event_of(other)
    caused = RuntimeError("no answer")
    caused.__cause__ = exc
    told = [event_of(exc), event_of(caused)]
    assert ["fingerprint" in event for event in told if event is not None] == [False, False]


@pytest.mark.parametrize(
    ("exc", "name"),
    [
        (OperationalError("server closed the connection"), "PostgreSQL"),
        (database_error(psycopg.errors.AdminShutdown()), "PostgreSQL"),
        (database_error(psycopg.errors.CannotConnectNow()), "PostgreSQL"),
        (database_error(psycopg.errors.ConnectionFailure()), "PostgreSQL"),
        (InterfaceError("closed"), "PostgreSQL"), (psycopg.OperationalError(), "PostgreSQL"),
        (redis.TimeoutError(), "Redis"), (redis.BusyLoadingError(), "Redis"),
        (SMTPServerDisconnected(), "mail server"), (SMTPConnectError(421, b"busy"), "mail server"),
        (SMTPSenderRefused(421, b"closing", "a"), "mail server"), (BrokerError(), "broker"),
    ],
    ids=lambda value: type(value.__cause__ or value).__name__ if not isinstance(value, str) else "",
)  # fmt: skip
def test_who_does_not_answer_or_says_goodbye_is_away(exc: BaseException, name: str) -> None:
    told = event_of(exc)
    assert told is not None
    assert told["fingerprint"] == ["outage", name]


def test_what_a_broker_refuses_is_no_outage() -> None:
    error = BrokerError("no")
    error.__cause__ = redis.AuthenticationError("WRONGPASS")
    told = event_of(error)
    assert told is not None
    assert "fingerprint" not in told


def test_one_library_in_two_places_is_two_errors() -> None:
    def event(line: int) -> dict[str, Any] | None:
        frames = [{"module": "orders.services", "lineno": line, "in_app": True},
                  {"module": "psycopg.cursor", "lineno": 97, "in_app": False}]  # fmt: skip
        exc = IntegrityError("a")
        value = {"type": "IntegrityError", "value": "a", "stacktrace": {"frames": frames}}
        return prepare_event(
            {"exception": {"values": [value]}}, {"exc_info": (type(exc), exc, None)}
        )

    assert [event(1) is not None for _ in range(6)] == [True] * 5 + [False]
    assert event(2) is not None


@pytest.mark.parametrize(
    "text",
    [
        "no mail to ada@example.org", "Bearer eyJhbGciOi.eyJzdWIi.c2ln", "key sk_live_4eC39HqLyjWD",
        "whsec_0123456789abcdef", "pi_3Nabcdefgh_secret_abcdefgh", "redis://:sesame@redis:6379/0",
        "Key (email)=(sesame) already exists.", "Failing row contains (1, sesame, null).",
        "GET https://spa.test/reset?token=sesame",
    ],
)  # fmt: skip
def test_no_secret_hides_in_a_sentence(text: str) -> None:
    event = event_of(ValueError(text))
    secrets = ("ada@", "eyJhbG", "sk_live_4", "whsec_0", "_secret_a", "sesame")
    assert not any(secret in json.dumps(event) for secret in secrets)
    assert FILTERED in json.dumps(event)


def test_what_stands_under_a_private_name_is_taken_out_wherever_it_is() -> None:
    billing = {"billing_address": {"line": "1 Main St"}, "items": [{"payload": {"a": "Main St"}}]}
    event = event_of(ValueError("a"), extra=billing, contexts={"x": {"refresh_token": "Main St"}},
                     user={"id": "7", "email": "a@b.test", "ip_address": "1.2.3.4"},
                     request={"url": "https://x.test/a?b=Main+St", "data": {"q": "Main St"},
                              "cookies": "Main St", "query_string": "Main St", "method": "GET",
                              "env": {"REMOTE_ADDR": "1.2.3.4"},
                              "headers": {"Cookie": "Main St", "Host": "x.test"}})  # fmt: skip
    assert event is not None
    assert "Main" not in json.dumps(event)
    assert "1.2.3.4" not in json.dumps(event)
    assert event["user"] == {"id": "7"}
    assert event["request"] == {
        "method": "GET", "url": "https://x.test/a", "headers": {"Host": "x.test"},
    }  # fmt: skip


def test_a_transaction_carries_no_data_either() -> None:
    given = {"transaction": "/api/v1/cart/", "request": {"data": "secret", "url": "https://x/?a=b"}}
    assert prepare_transaction(given, {})["request"]["url"] == "https://x/"


@pytest.mark.parametrize(
    ("context", "is_sampled"),
    [
        ({"transaction_context": {"op": "queue.task.celery"}}, False),
        ({"transaction_context": {"op": "queue.submit.celery"}}, False),
        ({"wsgi_environ": {"PATH_INFO": "/health/live/"}}, False),
        ({"wsgi_environ": {"PATH_INFO": "/metrics"}}, False),
        ({"wsgi_environ": {"PATH_INFO": "/api/v1/courses/"}}, True),
    ],
)
def test_sweeps_and_probes_are_not_sampled(context: dict[str, Any], is_sampled: bool) -> None:
    assert reports._is_unsampled(context) is not is_sampled


def test_the_request_is_named_and_its_number_is_no_mail_address() -> None:
    token = request_id.set("018f-abc")
    event = event_of(ValueError("a"))
    request_id.reset(token)
    assert event is not None
    assert event["tags"]["request_id"] == "018f-abc"


# What a column or field is called that holds somebody's data, or opens something.
_TELLING = ("mail", "phone", "address", "password", "secret", "token", "first_name", "last_name",
            "bio", "payload", "body", "evidence", "user_agent", "postal", "jti", "billing",
            "picture", "client_secret", "cookie", "signature")  # fmt: skip
# Named like it, and not it.
_HARMLESS = {"email_verified", "is_email_verified", "has_password"}


def _columns() -> set[str]:
    return {field.name for model in apps.get_models() for field in model._meta.concrete_fields}


def _serializer_fields() -> set[str]:
    # Loads them all.
    assert get_resolver().url_patterns

    def kinds(kind: type[Any]) -> set[type[Any]]:
        found = {kind}
        for below in kind.__subclasses__():
            found |= kinds(below)
        return found

    return {
        name
        for kind in kinds(serializers.Serializer)
        if not kind.__module__.startswith("rest_framework")
        for name in getattr(kind, "_declared_fields", {})
    }


@pytest.mark.parametrize("names", [_columns, _serializer_fields])
def test_every_field_that_sounds_private_is(names: Any) -> None:
    telling = {name for name in names() if any(word in name.lower() for word in _TELLING)}
    assert len(telling) > 10
    assert {name for name in telling - _HARMLESS if not is_private(name)} == set()


def test_every_column_of_a_kind_that_holds_what_people_wrote_is_private() -> None:
    kinds = (models.EmailField, models.JSONField, models.GenericIPAddressField, models.TextField)
    found = {
        f"{model.__name__}.{field.name}"
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, kinds) and not is_private(field.name)
    }
    # Of Django's own, and what is said under these names in a report itself.
    assert {name for name in found if name.split(".")[1] not in {"message", "description"}} == set()


@pytest.mark.parametrize("name", ["exception", "filename", "function", "lineno", "type", "count"])
def test_what_a_report_is_about_is_left(name: str) -> None:
    assert not is_private(name)
