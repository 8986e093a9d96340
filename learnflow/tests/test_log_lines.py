"""A task's log lines name the request that caused it, and who asked."""

import json
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
import redis
from celery.app.task import Context

from core import logging as lines
from core import nudge as nudging
from learnflow import celery
from tests.broker import broker_of_its_own

# One Redis after the other.
pytestmark = pytest.mark.xdist_group("broker")


@pytest.fixture
def broker() -> "Iterator[redis.Redis]":
    """A Redis of this test's own to nudge into."""
    with broker_of_its_own(14) as client:
        yield client


def _run(headers: dict[str, object]) -> tuple[str, str, str]:
    """What a task with such a message finds while it runs, and that it leaves nothing."""
    task = SimpleNamespace(name="some.task", request=Context(headers))
    celery._take_cause(task_id="0000-task", task=task)
    found = lines.request_id.get(), lines.client.get(), lines.task.get()
    celery._drop_cause()
    assert (lines.request_id.get(), lines.client.get(), lines.task.get()) == ("-", "-", "")
    return found


def test_a_message_carries_the_request_to_the_worker(broker: redis.Redis) -> None:
    with lines.on_behalf_of("request-0001", asked_by="203.0.113.9"):
        nudging.nudge("core.tasks.deliver_outbox", queue="money")
    [message] = broker.lrange("lf-celery:money", 0, -1)
    headers = json.loads(message)["headers"]
    assert _run(headers) == ("request-0001", "203.0.113.9", "some.task")


def test_what_no_request_caused_goes_by_its_own_id(broker: redis.Redis) -> None:
    nudging.nudge("core.tasks.deliver_outbox", queue="money")
    [message] = broker.lrange("lf-celery:money", 0, -1)
    assert _run(json.loads(message)["headers"]) == ("0000-task", "-", "some.task")
