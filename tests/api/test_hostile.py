"""Whatever a client sends to whichever operation, the answer is no 5xx and has the error shape."""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.test import Client
from rest_framework.test import APIClient

from tests.factories import InstructorFactory, StaffFactory, UserFactory, make_course, sign_in

SCHEMA = yaml.safe_load(Path(settings.BASE_DIR, "docs", "openapi.yaml").read_text())
METHODS = ("get", "post", "put", "patch", "delete")

VALUES: list[Any] = [
    None, True, -1, 0, 1.5, 10**30, -(10**30), "", " ", "x" * 100_000, "a\u0000b", "\u202e\u200b",
    "not-a-uuid", str(uuid.uuid4()), "'; DROP TABLE users_user; --", "<script>", "2026-13-45",
    [], [[]], {}, {"a": 1}, ["x"] * 1000,
]  # fmt: skip
RAW_BODIES = [
    b"", b"{", b"null", b"[]", b'"x"', b"1e400", b'{"a": 1e400}', b'{"a": NaN}', b"\xff\xfe",
    b'{"email": "\\ud800"}', b"[" * 100_000, b'{"a":' * 100_000, b'{"a": "\\u0000"}',
]  # fmt: skip
PATH_VALUES = [
    "00000000-0000-0000-0000-000000000000", "x", "1", "-1", "%00", "%F0%9F%92%A9", "..%2F..",
    "%27%20OR%201=1", "a" * 3000, "{}", "%ED%A0%80",
]  # fmt: skip
QUERY_VALUES = [
    "%00", "%ED%A0%80", "1e400", "-1", "NaN", "Infinity", "x" * 5000, "%27%22%3B--", "&&|!()%3A*",
    "", "99999999999999999999", "%F0%9F%92%A9",
]  # fmt: skip


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in SCHEMA["paths"].items():
        for method in METHODS:
            if method in methods:
                yield method, path, methods[method]


# What a feature that isn't configured answers, 503, to a body that is fine.
SWITCHED_OFF = {"PAYMENTS_UNAVAILABLE", "PAYOUTS_UNAVAILABLE"}


def fill(path: str, value: str) -> str:
    return "/".join(value if part.startswith("{") else part for part in path.split("/"))


def body_fields(operation: dict[str, Any]) -> list[str]:
    content = operation.get("requestBody", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    if "$ref" in schema:
        schema = SCHEMA["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return list(schema.get("properties", {}))


def assert_calm(response: Any, what: str) -> None:
    error = json.loads(response.content)["error"] if response.status_code >= 400 else {}
    calm = response.status_code < 500 or error["code"] in SWITCHED_OFF
    assert calm, f"{what}: {response.status_code} {response.content[:300]!r}"
    if error:
        assert {"code", "message", "status", "details", "request_id"} <= set(error), what
        assert "Traceback" not in response.content.decode()


@pytest.fixture(params=["anonymous", "student", "instructor", "staff"])
def client(request: pytest.FixtureRequest) -> APIClient:
    if request.param == "anonymous":
        return APIClient()
    factory = {"student": UserFactory, "instructor": InstructorFactory, "staff": StaffFactory}
    return sign_in(factory[request.param].create())


@pytest.mark.django_db
def test_hostile_paths_and_queries(client: APIClient) -> None:
    course = make_course()
    for method, path, operation in operations():
        for value in PATH_VALUES if "{" in path else []:
            where = fill(path, value)
            assert_calm(
                getattr(client, method)(where, {}, format="json"), f"{method} {where[:200]}"
            )
        if method != "get":
            continue
        names = [p["name"] for p in operation.get("parameters", []) if p["in"] == "query"]
        for name in names:
            for value in QUERY_VALUES:
                where = f"{fill(path, str(course.id))}?{name}={value}"
                assert_calm(client.get(where), where[:200])


@pytest.mark.django_db
def test_hostile_bodies(client: APIClient) -> None:
    course = make_course()
    for method, path, operation in operations():
        if "requestBody" not in operation or "webhook" in path or "logout" in path:
            continue
        where = fill(path, str(course.id))
        for raw in RAW_BODIES:
            response = getattr(client, method)(where, raw, content_type="application/json")
            assert_calm(response, f"{method} {path} {raw[:30]!r}")
        fields = body_fields(operation)
        for value in VALUES:
            body = dict.fromkeys(fields, value)
            response = getattr(client, method)(where, body, format="json")
            assert_calm(response, f"{method} {path} {str(value)[:30]!r}")


@pytest.mark.django_db
@pytest.mark.parametrize("value", ["a course's", "nobody's", "x"])
def test_asking_what_is_allowed(client: APIClient, value: str) -> None:
    """OPTIONS, which a browser sends by itself, HEAD, and methods that nobody knows."""
    given = {"a course's": str(make_course().id), "nobody's": str(uuid.uuid4())}.get(value, value)
    for path in SCHEMA["paths"]:
        where = fill(path, given)
        assert_calm(client.options(where), f"options {path}")
        assert client.head(where).status_code < 500, f"head {path}"
        for method in ("TRACE", "PROPFIND", "options"):
            assert_calm(client.generic(method, where), f"{method} {path}")


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_an_unknown_path_is_404_in_shape_whatever_the_method(method: str) -> None:
    """As a browser without Django's form token asks, which the test client usually spares us."""
    client = Client(enforce_csrf_checks=True)
    answer = getattr(client, method)("/api/v1/nope/", content_type="application/json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")
