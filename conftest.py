"""Fixtures for every test."""

import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import hypothesis
import pytest
from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from rest_framework.test import APIClient

from core.postgresql import limits
from devtools.stripe_standin.client import StandIn
from tests.emptying import let_flush_empty_the_ledger

# How long an example takes says how busy the machine is. A test that names `suppress_health_check`
# itself has to name `too_slow` too.
hypothesis.settings.register_profile(
    "learnflow", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("learnflow")

# Twenty threads that queue on one lock wait longer on a busy machine than a worker would, and a
# test may leave its transaction alone meanwhile.
limits._PATIENT_LOCK_SECONDS = 300.0
limits._IDLE_IN_TRANSACTION_SECONDS = 600.0

let_flush_empty_the_ledger()


@pytest.fixture
def api() -> APIClient:
    """An API client that isn't signed in."""
    return APIClient()


@pytest.fixture(autouse=True)
def _clean_cache(request: pytest.FixtureRequest) -> Iterator[None]:
    """Leave nothing in Redis from one test to the next; keys carry the test worker's prefix."""
    yield
    wants_db = {"db", "transactional_db"} & set(request.fixturenames)
    if wants_db or request.node.get_closest_marker("django_db"):
        cache.delete_pattern("*")  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def _no_content_types_known() -> None:
    """Let no test's number of queries depend on what others have looked up in this process."""
    ContentType.objects.clear_cache()


@pytest.fixture(autouse=True)
def _one_rate_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no rate limit's window end in the middle of a test, whatever the hour."""
    now = time.time()
    monkeypatch.setattr("api.throttling.time", SimpleNamespace(time=lambda: now))


@pytest.fixture(autouse=True)
def _patient_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave no figure out because the machine is busy; what is too slow is tested alone."""
    monkeypatch.setattr("core.metrics.STATEMENT_MILLISECONDS", 300_000)


@pytest.fixture(scope="session")
def standin_process() -> Iterator[StandIn]:
    with StandIn.start() as standin:
        yield standin


@pytest.fixture
def standin(standin_process: StandIn, settings: Any) -> StandIn:
    """The stand-in, empty, and our settings pointing at it."""
    standin_process.clear_faults()
    standin_process.reset()
    settings.STRIPE_SECRET_KEY = standin_process.secret_key
    settings.STRIPE_PUBLIC_KEY = standin_process.publishable_key
    settings.STRIPE_WEBHOOK_SECRETS = [standin_process.webhook_secret]
    settings.STRIPE_API_BASE = standin_process.url
    # Longer than any answer of a busy machine; a test of what hangs sets its own.
    settings.STRIPE_TIMEOUT_SECONDS = 20.0
    settings.STRIPE_DEADLINE_SECONDS = 20.0
    return standin_process
