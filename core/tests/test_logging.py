"""Log lines: time, level, client and request in each; secrets and strangers' line feeds in none."""

import json
import logging
import re
import runpy
from typing import Any

import pytest
from django.test import RequestFactory
from gunicorn.glogging import SafeAtoms

from core import logging as lines
from core import outbox
from core.events import Event
from core.middleware import RequestIdMiddleware
from core.models import OutboxEvent

TIME = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z "


def make_record(message: str, *args: Any, name: str = "some.logger") -> logging.LogRecord:
    record = logging.LogRecord(name, logging.WARNING, __file__, 1, message, args, None)
    lines.RequestIdFilter().filter(record)
    return record


def text(message: str, *args: Any) -> str:
    return lines.TextFormatter().format(make_record(message, *args))


def test_outside_of_everything() -> None:
    assert re.sub(TIME, "", text("hello %s", "you")) == "WARNING some.logger [-] - hello you"


def test_in_a_request_it_names_id_and_client(settings: Any, rf: RequestFactory) -> None:
    settings.TRUSTED_PROXIES = ["127.0.0.1"]
    told = []

    def answer(request: Any) -> Any:
        told.append(text("at work"))
        told.append(lines.JSONFormatter().format(make_record("at work")))
        return {}

    headers = {"x-request-id": "request-0001", "x-forwarded-for": "203.0.113.9"}
    request = rf.get("/", headers=headers)
    RequestIdMiddleware(answer)(request)
    assert re.sub(TIME, "", told[0]) == "WARNING some.logger [request-0001] 203.0.113.9 at work"
    line = json.loads(told[1])
    assert re.match(TIME.replace(" ", "$"), line.pop("time"))
    assert line.pop("process") > 0
    assert line == {
        "level": "WARNING", "logger": "some.logger", "message": "at work",
        "request_id": "request-0001", "client": "203.0.113.9",
    }  # fmt: skip
    assert "[-] -" in text("over")


def test_a_traceback_is_a_field_of_its_own() -> None:
    record = make_record("broken")
    try:
        int("token=abc123")
    except ValueError as exc:
        record.exc_info = (type(exc), exc, exc.__traceback__)
    line = json.loads(lines.JSONFormatter().format(record))
    assert line["message"] == "broken"
    assert "ValueError: " in line["exception"]
    assert "abc123" not in line["exception"]
    assert "\nTraceback" in lines.TextFormatter().format(record)


@pytest.mark.parametrize(
    "written",
    [
        "GET /api/v1/x/?token=s3cr3t-v4lue&page=1", "{'refresh_token': 's3cr3t-v4lue'}",
        '{"password": "s3cr3t-v4lue"}', "Authorization: Bearer s3cr3t-v4lue", "Basic s3cr3tv4lue==",
        "client_secret=s3cr3t-v4lue", "Stripe-Signature: s3cr3t-v4lue", "api_key=s3cr3t-v4lue",
        "https://x.test/reset?a=s3cr3t-v4lue", "sessionid=s3cr3t-v4lue; path=/",
    ],
)  # fmt: skip
def test_what_looks_like_a_secret_is_blanked(written: str) -> None:
    for formatter in (lines.TextFormatter(), lines.JSONFormatter()):
        told = formatter.format(make_record("%s", written))
        assert "s3cr3t" not in told
        assert "…" in told


@pytest.mark.parametrize(
    "written",
    ["GET /api/v1/courses/ 200", "What now? nothing", "mail 018f of kind password-reset sent",
     "x.test answers again", "the token is no longer valid", "redis://:**@127.0.0.1:6379/1"],
)  # fmt: skip
def test_what_isnt_stays(written: str) -> None:
    assert text("%s", written).endswith(written)


def test_a_strangers_line_feed_begins_no_line() -> None:
    told = text("no such page: %s", "/a\n2026-01-01 ERROR forged\r\x1b[31m")
    assert len(told.splitlines()) == 1
    assert r"/a\n2026-01-01 ERROR forged\r\x1b[31m" in told


def test_gunicorns_lines_are_of_the_same_form_and_without_the_query(settings: Any) -> None:
    settings.TRUSTED_PROXIES = ["10.87.0.2"]
    atoms = SafeAtoms({
        "h": "10.87.0.2", "m": "GET", "U": "/api/v1/x/", "q": "token=abc", "s": "200", "B": 12,
        "b": "12", "M": 7, "{x-request-id}o": "request-0001", "{x-forwarded-for}i": "203.0.113.9",
        "r": "GET /api/v1/x/?token=abc HTTP/1.1",
    })  # fmt: skip
    configured = runpy.run_path(str(settings.BASE_DIR / "docker" / "gunicorn.conf.py"))
    record = logging.LogRecord("gunicorn.access", logging.INFO, __file__, 1,
                               configured["access_log_format"], (atoms,), None)  # fmt: skip
    lines.AccessFilter().filter(record)
    told = lines.TextFormatter().format(record)
    assert re.sub(TIME, "", told) == (
        "INFO gunicorn.access [request-0001] 203.0.113.9 GET /api/v1/x/ 200 12 7ms"
    )
    line = json.loads(lines.JSONFormatter().format(record))
    assert (line["path"], line["status"], line["milliseconds"]) == ("/api/v1/x/", "200", 7)
    assert (line["client"], line["request_id"]) == ("203.0.113.9", "request-0001")
    assert "abc" not in json.dumps(line)


class Noted(Event):
    """Something to log about."""

    name = "test.noted"


@pytest.mark.django_db
def test_a_delivery_is_logged_as_of_the_request_that_caused_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = []
    monkeypatch.setitem(
        outbox._handlers, Noted.name, {"note": lambda _: seen.append(lines.request_id.get())}
    )
    with lines.on_behalf_of("request-0001"):
        outbox.record(Noted())
    outbox.record(Noted())
    with lines.on_behalf_of("the-workers-task"):
        outbox.deliver_due()
        assert lines.request_id.get() == "the-workers-task"
    assert sorted(seen) == ["request-0001", "the-workers-task"]
    assert set(OutboxEvent.objects.values_list("request_id", flat=True)) == {"request-0001", ""}
