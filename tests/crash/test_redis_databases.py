"""Crash runs beside each other on one Redis."""

import pytest
import redis
from django.conf import settings

from tests.crash.__main__ import own_redis_database

# One after the other.
pytestmark = pytest.mark.xdist_group("crash-databases")


@pytest.fixture(autouse=True)
def _of_this_test_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Databases that no crash run has, whichever is under way."""
    monkeypatch.setattr("tests.crash.__main__._REDIS_DATABASES", range(50, 53))


def test_two_runs_at_once_take_no_tasks_of_each_other() -> None:
    with own_redis_database(settings.REDIS_URL) as first, redis.Redis.from_url(first) as client:
        client.lpush("tasks", "one")
        with own_redis_database(settings.REDIS_URL) as second:
            assert second != first
        assert client.llen("tasks") == 1


def test_a_run_begins_with_an_empty_database_and_leaves_one() -> None:
    with own_redis_database(settings.REDIS_URL) as url, redis.Redis.from_url(url) as client:
        client.lpush("tasks", "one")
    with redis.Redis.from_url(url) as client:
        assert client.dbsize() == 0
        client.lpush("tasks", "one")
    with own_redis_database(settings.REDIS_URL) as again, redis.Redis.from_url(again) as client:
        assert (again, client.llen("tasks")) == (url, 0)
