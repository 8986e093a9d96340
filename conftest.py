"""Fixtures for every test."""

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from rest_framework.test import APIClient


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
