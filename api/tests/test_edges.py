"""The edges of the API: error shape, strict JSON, pages, rate limits, health, documentation."""

import json
from typing import Any

import psycopg
import pytest
from django.core.cache import cache
from django.db import OperationalError
from django.test import Client, override_settings
from rest_framework import serializers
from rest_framework.test import APIClient, APIRequestFactory
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from api.throttling import RateThrottle, parse_rate
from core.errors import TooMany
from core.serializers import ApiSerializer

LOGIN = "/api/v1/auth/login/"
factory = APIRequestFactory()


def assert_error(response: Any, status: int, code: str | None = None) -> dict[str, Any]:
    assert response.status_code == status, response.content
    body = json.loads(response.content)
    assert set(body) == {"error"}
    error: dict[str, Any] = body["error"]
    assert set(error) == {"code", "message", "status", "details", "request_id"}
    assert error["status"] == status
    assert error["request_id"] == response["X-Request-ID"]
    assert error["code"] == error["code"].upper()
    if code:
        assert error["code"] == code
    return error


def test_an_unknown_path_is_404_in_shape(api: APIClient) -> None:
    assert_error(api.get("/api/v1/nothing/"), 404, "NOT_FOUND")
    assert_error(api.get("/api/nothing"), 404, "NOT_FOUND")


def test_method_and_media_type_errors_are_in_shape(api: APIClient) -> None:
    response = api.delete(LOGIN)
    assert_error(response, 405, "METHOD_NOT_ALLOWED")
    assert "POST" in response["Allow"]
    assert_error(
        api.post(LOGIN, b"<a/>", content_type="application/xml"), 415, "UNSUPPORTED_MEDIA_TYPE"
    )


def test_the_request_id_is_taken_when_well_formed(api: APIClient) -> None:
    response = api.get("/api/v1/nothing/", HTTP_X_REQUEST_ID="trace-12345678")
    assert response["X-Request-ID"] == "trace-12345678"
    response = api.get("/api/v1/nothing/", HTTP_X_REQUEST_ID="bad id\twith spaces")
    assert response["X-Request-ID"] != "bad id\twith spaces"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[" * 15_000,
        b'{"email":' * 15_000,
        b'{"email": "\\ud800"}',
        b'{"email": "\xff"}',
        b'{"email": NaN}',
        b'{"email": 1e400}',
        b'{"email": "a\\u0000b", "password": "x"}',
        b'"just a string"',
        b"[]",
        b"null",
        b"5",
    ],
    ids=lambda body: repr(body[:20]),
)
@pytest.mark.django_db
def test_bodies_that_cannot_be_read_are_400(api: APIClient, body: bytes) -> None:
    assert_error(api.post(LOGIN, body, content_type="application/json"), 400, "BAD_REQUEST")


@pytest.mark.django_db
@pytest.mark.parametrize("unit", [b"{},", b"[],", b'{"a":[]},', b'"",', b"["])
def test_nothing_is_made_of_a_flood_of_values(
    api: APIClient, unit: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.parsers.orjson", None)
    body = b'{"email":[' + unit * 30_000 + b"1]}"
    assert_error(api.post(LOGIN, body, content_type="application/json"), 413, "PAYLOAD_TOO_LARGE")


def test_a_body_far_too_large_is_413(api: APIClient, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    body = b'{"email": "' + b"x" * 1000 + b'"}'
    assert_error(api.post(LOGIN, body, content_type="application/json"), 413, "PAYLOAD_TOO_LARGE")


class BodySerializer(ApiSerializer):
    name = serializers.CharField(max_length=5)
    stars = serializers.IntegerField(min_value=1, max_value=5)
    flag = serializers.BooleanField(required=False)


class EchoView(APIView):
    authentication_classes = ()
    permission_classes = ()
    throttle_classes: tuple[type[BaseThrottle], ...] = ()

    def post(self, request: Any) -> Any:
        BodySerializer(data=request.data).is_valid(raise_exception=True)


@pytest.mark.parametrize(
    ("body", "status", "fields"),
    [
        ({}, 400, {"name", "stars"}),
        ({"name": "ok"}, 400, {"stars"}),
        ({"name": 5, "stars": 1}, 400, {"name"}),
        ({"name": "ok", "stars": "1"}, 400, {"stars"}),
        ({"name": "ok", "stars": True}, 400, {"stars"}),
        ({"name": "ok", "stars": 1, "flag": "yes"}, 400, {"flag"}),
        ({"name": None, "stars": 1}, 400, {"name"}),
        ({"name": "far too long", "stars": 1}, 422, {"name"}),
        ({"name": "", "stars": 9}, 422, {"name", "stars"}),
        ({"name": "far too long"}, 400, {"name", "stars"}),  # both at once
        ({"name": ["x"], "stars": 9}, 400, {"name", "stars"}),
    ],
)
def test_400_for_shape_and_422_for_values(
    body: dict[str, Any], status: int, fields: set[str]
) -> None:
    response = EchoView.as_view()(factory.post("/", body, format="json"))
    assert response.status_code == status
    assert set(response.data["error"]["details"]) == fields


class BrokenView(EchoView):
    exc: Exception = RuntimeError("SELECT secret FROM /srv/app")

    def get(self, request: Any) -> Any:
        raise self.exc


def test_a_crash_is_500_without_internals() -> None:
    response = BrokenView.as_view()(factory.get("/"))
    assert response.status_code == 500
    assert response.data["error"]["code"] == "INTERNAL_ERROR"
    assert "secret" not in json.dumps(response.data)


def test_a_database_that_is_away_is_503() -> None:
    view = BrokenView.as_view(exc=OperationalError("could not connect to 10.0.0.1"))
    response = view(factory.get("/"))
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert "10.0.0.1" not in json.dumps(response.data)


@pytest.mark.parametrize(
    ("cause", "is_outage"),
    [
        (psycopg.errors.AdminShutdown(), True), (psycopg.errors.CannotConnectNow(), True),
        (psycopg.errors.LockNotAvailable(), False), (psycopg.errors.DiskFull(), False),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_the_log_tells_a_database_that_goes_from_one_that_answers(
    cause: psycopg.Error, is_outage: bool, caplog: pytest.LogCaptureFixture
) -> None:
    exc = OperationalError("no")
    exc.__cause__ = cause
    assert BrokenView.as_view(exc=exc)(factory.get("/")).status_code == 503
    (record,) = (record for record in caplog.records if record.name == "api.exceptions")
    assert getattr(record, "outage", None) == ("PostgreSQL" if is_outage else None)
    assert bool(record.exc_info) is not is_outage


@pytest.mark.parametrize("path", ["/admin/login/", "/nowhere/"])
def test_a_database_that_is_away_is_503_outside_the_api_too(
    path: str, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Any, request: Any) -> Any:
        raise OperationalError("could not connect to 10.0.0.1")

    monkeypatch.setattr("django.middleware.common.CommonMiddleware.process_request", fail)
    client.raise_request_exception = False
    response = client.get(path)
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert response.json()["error"]["code"] == "SERVICE_UNAVAILABLE"
    assert "10.0.0.1" not in response.content.decode()


def test_too_many_says_when_to_come_back() -> None:
    response = BrokenView.as_view(exc=TooMany(retry_after=7))(factory.get("/"))
    assert (response.status_code, response["Retry-After"]) == (429, "7")


@pytest.mark.parametrize(
    ("rate", "parsed"),
    [("100/hour", (100, 3600)), ("600/min", (600, 60)), ("5/s", (5, 1)), ("none", None)],
)
def test_rates_are_read(rate: str, parsed: tuple[int, int] | None) -> None:
    assert parse_rate(rate) == parsed


class ThrottledView(EchoView):
    throttle_classes = (RateThrottle,)
    throttle_scope = "catalogue"

    def get(self, request: Any) -> Any:
        from rest_framework.response import Response

        return Response({})


@override_settings(THROTTLE_RATES={"catalogue": "3/hour"})
def test_the_limit_is_kept_per_address() -> None:
    cache.delete_pattern("*")  # type: ignore[attr-defined]
    view = ThrottledView.as_view()
    codes = [view(factory.get("/", REMOTE_ADDR="192.0.2.1")).status_code for _ in range(4)]
    assert codes == [200, 200, 200, 429]
    assert view(factory.get("/", REMOTE_ADDR="192.0.2.2")).status_code == 200
    refused = view(factory.get("/", REMOTE_ADDR="192.0.2.1"))
    assert refused.data["error"]["code"] == "RATE_LIMITED"
    assert 0 < int(refused["Retry-After"]) <= 3600
    cache.delete_pattern("*")  # type: ignore[attr-defined]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("page=0", 422),
        ("page=-1", 422),
        ("page=x", 422),
        ("page=", 422),
        ("page=1.5", 422),
        ("page=1e400", 422),
        ("page=%00", 422),
        ("page_size=0", 422),
        ("page_size=abc", 422),
        ("page=2", 404),
        ("page=99999999999999999999999", 404),
    ],
)
def test_pages_that_are_none(api: APIClient, query: str, status: int) -> None:
    assert_error(api.get(f"/api/v1/courses/?{query}"), status)


@pytest.mark.django_db
def test_health_is_healthy_and_never_throttled(api: APIClient) -> None:
    for path in ("/health/", "/api/v1/health/"):
        body = api.get(path).json()
        assert body["status"] == "healthy"
        assert (body["database"], body["cache"]) == ("ok", "ok")
        assert body["timestamp"].endswith("Z")
    assert api.get("/health/live/").json() == {"status": "alive"}
    assert api.get("/health/ready/").json()["status"] == "ready"


@pytest.mark.django_db
def test_health_without_redis_is_503(api: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def dead() -> bool:
        raise ConnectionError("redis://:secret@10.0.0.1")

    monkeypatch.setattr("core.health.cache_answers", dead)
    response = api.get("/health/ready/")
    assert response.status_code == 503
    assert response.json()["checks"]["cache"] == "error"
    assert "secret" not in response.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"REMOTE_ADDR": "127.0.0.1"}, 200),
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "203.0.113.5"}, 404),
        ({"REMOTE_ADDR": "203.0.113.5"}, 404),
        ({"REMOTE_ADDR": "203.0.113.5", "HTTP_AUTHORIZATION": "Bearer t0ken"}, 200),
        ({"REMOTE_ADDR": "203.0.113.5", "HTTP_AUTHORIZATION": "Bearer wrong"}, 404),
    ],
)
def test_metrics_are_for_the_operator(api: APIClient, headers: dict[str, str], status: int) -> None:
    with override_settings(METRICS_TOKEN="t0ken"):
        answer = api.get("/metrics", **headers)  # type: ignore[arg-type]
    assert answer.status_code == status
    if status == 200:
        assert 'learnflow_outbox_deliveries{status="dead"} 0.0' in answer.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/api/docs/", "/api/redoc/"])
def test_the_documentation_needs_no_other_machine(api: APIClient, path: str) -> None:
    page = api.get(path)
    assert page.status_code == 200
    html = page.content.decode()
    assert "//cdn" not in html
    assert "googleapis" not in html
    assert "/static/drf_spectacular_sidecar/" in html


@pytest.mark.django_db
def test_no_logo_of_another_machine_is_fetched(api: APIClient) -> None:
    """ReDoc's script has its address; the browser is told to leave it alone."""
    html = api.get("/api/redoc/").content.decode()
    assert """<meta http-equiv="Content-Security-Policy" content="img-src 'self' data:">""" in html
