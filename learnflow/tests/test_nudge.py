"""One nudge until its task begins, and never none for what is committed after that."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
import redis

from core import nudge as nudging
from core.nudge import MARK, MARK_SECONDS, begin, nudge
from learnflow import celery
from tests.broker import broker_of_its_own

# One Redis after the other.
pytestmark = pytest.mark.xdist_group("broker")

TASK = "core.tasks.deliver_outbox"


@pytest.fixture
def broker() -> "Iterator[redis.Redis]":
    """A Redis of this test's own to nudge into."""
    with broker_of_its_own(13) as client:
        yield client


def sent(broker: "redis.Redis", queue: str = "money") -> int:
    return int(broker.llen(f"lf-celery:{queue}"))


def marks(broker: "redis.Redis") -> list[str]:
    keys = cast("list[bytes]", broker.keys(f"lf-celery:{MARK}:*"))
    return sorted(key.decode() for key in keys)


def test_hundreds_at_once_are_one_message(broker: "redis.Redis") -> None:
    for _ in range(100):
        nudge(TASK, queue="money")
    assert sent(broker) == 1


def test_other_work_has_a_message_of_its_own(broker: "redis.Redis") -> None:
    nudge(TASK, queue="money")
    nudge(TASK, queue="learning")
    nudge("payments.tasks.handle_stripe_events")
    assert (sent(broker), sent(broker, "learning")) == (2, 1)
    assert len(marks(broker)) == 3


def test_what_is_committed_once_the_task_began_is_told_of_again(broker: "redis.Redis") -> None:
    nudge(TASK, queue="money")
    [mark] = marks(broker)
    begin(mark.removeprefix("lf-celery:"))
    nudge(TASK, queue="money")
    assert sent(broker) == 2


def test_the_mark_goes_before_the_task_looks(broker: "redis.Redis") -> None:
    """The worker's own hook, by what the message carries."""
    nudge(TASK, queue="money")
    [mark] = marks(broker)
    request = {MARK: mark.removeprefix("lf-celery:")}
    celery._begin_nudged(task=SimpleNamespace(name=TASK, request=request))
    assert not marks(broker)


def test_a_sweep_leaves_marks_alone(broker: "redis.Redis") -> None:
    nudge(TASK, queue="money")
    celery._begin_nudged(task=SimpleNamespace(name=TASK, request={}))
    assert marks(broker)


def test_a_mark_lapses_whose_message_was_never_sent(
    broker: "redis.Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    """As its process was killed in between."""

    def be_killed(*_: Any, **__: Any) -> None:
        raise SystemExit

    with monkeypatch.context() as killed:
        killed.setattr(nudging.current_app, "send_task", be_killed)
        with pytest.raises(SystemExit):
            nudge(TASK, queue="money")
    [mark] = marks(broker)
    assert 0 < broker.ttl(mark) <= MARK_SECONDS
    broker.delete(mark)  # Its time is up.
    nudge(TASK, queue="money")
    assert sent(broker) == 1
