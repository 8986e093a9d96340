"""What a worker's place for messages becomes when Redis doesn't answer."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
import redis
from django.conf import settings
from kombu import Connection, Queue


@pytest.fixture
def channel() -> Iterator[Any]:
    """A channel with room for one message, on a database of Redis that no other test uses."""
    url = urlunsplit(urlsplit(settings.REDIS_URL)._replace(path="/13"))
    with redis.Redis.from_url(url) as server, Connection(url) as connection:
        server.flushdb()
        channel = connection.default_channel
        channel.basic_qos(0, 1, False)
        yield channel
        server.flushdb()


def take(channel: Any) -> Any:
    queue = Queue("places", channel=channel)
    queue.declare()
    with channel.connection.client.Producer() as producer:
        producer.publish({}, routing_key="places", declare=[queue])
    message = queue.get()
    assert message is not None
    return message


@pytest.mark.xdist_group("redis-13")
@pytest.mark.parametrize("answer", ["ack", "reject"])
def test_a_place_is_free_again_when_redis_does_not_answer(
    channel: Any, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    message = take(channel)
    assert not channel.qos.can_consume()

    def hang(*_: Any) -> None:
        raise redis.TimeoutError

    monkeypatch.setattr(channel.qos, "_remove_from_indices", hang)
    with pytest.raises(redis.TimeoutError):
        getattr(message, answer)()
    assert channel.qos.can_consume()
