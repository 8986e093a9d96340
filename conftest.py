"""Fixtures for every test."""

import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from rest_framework.test import APIClient

from devtools.stripe_standin.client import StandIn


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
