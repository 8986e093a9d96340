"""Health and metrics as probes ask for them: by address, by HEAD, and with workers gone."""

from typing import Any

import pytest
from django.test import Client, override_settings

from core import heartbeats

pytestmark = pytest.mark.django_db

HEALTH = ["/health/", "/health/live/", "/health/ready/"]
PROBES = [*HEALTH, *(f"/api/v1{path}" for path in HEALTH), "/metrics"]
FOREIGN = ["10.1.2.3:8000", "web", "[fd00::1]:8000", "learnflow-web.default.svc"]


@pytest.fixture(autouse=True)
def _nobody_seen() -> None:
    heartbeats._given.clear()


@pytest.mark.parametrize("path", PROBES)
@pytest.mark.parametrize("host", FOREIGN)
def test_probes_may_call_it_what_they_like(client: Client, path: str, host: str) -> None:
    assert client.get(path, headers={"host": host}).status_code == 200


@override_settings(SECURE_SSL_REDIRECT=True)
@pytest.mark.parametrize("path", ["/api/v1/courses/", "/admin/login/", "/healthy/", "/health/x/",
                                  "/metrics/x", "/api/v1/auth/login/", "/"])  # fmt: skip
def test_nobody_else_may(client: Client, path: str) -> None:
    assert client.get(path, headers={"host": "evil.example"}).status_code == 400


@pytest.mark.parametrize("path", PROBES)
def test_head_is_answered_as_get_without_a_body(client: Client, path: str) -> None:
    answer = client.head(path)
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize("path", PROBES)
def test_nothing_can_be_written_there(client: Client, path: str) -> None:
    assert client.post(path).status_code == 405


def test_ready_knows_who_is_gone_and_sends_nobody_away(client: Client, settings: Any) -> None:
    settings.WATCHED_PROCESSES = ["worker-money", "worker-mail", "beat"]
    heartbeats.give_sign(["worker-money", "worker-mail"])
    answer = client.get("/health/ready/")
    assert answer.status_code == 200
    body = answer.json()
    assert body["status"] == "degraded"
    assert (body["checks"]["worker"], body["checks"]["beat"]) == ("ok", "error")
    heartbeats.give_sign(["beat"])
    assert client.get("/health/ready/").json()["status"] == "ready"


def test_one_queue_without_a_worker_is_enough(client: Client, settings: Any) -> None:
    settings.WATCHED_PROCESSES = ["worker-money", "worker-mail", "beat"]
    heartbeats.give_sign(["worker-money", "beat"])
    assert client.get("/health/ready/").json()["checks"]["worker"] == "error"


def test_the_overall_health_wakes_somebody(client: Client, settings: Any) -> None:
    settings.WATCHED_PROCESSES = ["worker-money", "beat"]
    heartbeats.give_sign(["worker-money"])
    answer = client.get("/health/")
    assert (answer.status_code, answer.json()["status"]) == (503, "unhealthy")
    heartbeats.give_sign(["beat"])
    assert client.get("/health/").status_code == 200
