"""Telling Celery that there is work. Only a hint: a beat sweep finds the work anyway.

One message is enough until its task begins: whatever was committed before that, the task finds. So
each nudge leaves a mark in Redis, which the task takes away before it looks for work, and while the
mark is there no other message is sent. Hundreds of purchases at once are a few tasks instead of a
thousand. A mark whose message was never sent, as its process was killed in between, lapses.
"""

import logging
import os
from collections.abc import Callable
from functools import lru_cache
from weakref import WeakKeyDictionary

import redis
from celery import current_app
from django.conf import settings
from kombu import Connection, Producer
from kombu.pools import ProducerPool
from kombu.transport.redis import Channel

from core.redis import breaker

logger = logging.getLogger(__name__)

# By channel, each of which one thread has at a time.
_clients: WeakKeyDictionary[Channel, redis.Redis] = WeakKeyDictionary()

# Connections for nudges: more threads than that share them.
_AT_ONCE = 10
# In a message's headers: the mark that its task takes away.
MARK = "learnflow_nudge"
# So long a mark holds: as long as most sweeps leave between two of theirs.
MARK_SECONDS = 5


def nudge(task: str, **arguments: str) -> None:
    """Ask a worker to run the named task soon, with these arguments, unless one was asked that
    hasn't begun. Call it when what it is to find is committed. Never raises and never waits long:
    when the broker doesn't take it, or Redis has just failed anybody else, the sweep does the work
    some seconds later."""
    mark = ":".join((MARK, task, *(f"{name}={arguments[name]}" for name in sorted(arguments))))

    def send(producer: Producer) -> None:
        if not _client_of(producer).set(mark, 1, nx=True, ex=MARK_SECONDS):
            return
        current_app.send_task(
            task,
            kwargs=arguments,
            headers={MARK: mark},
            producer=producer,
            retry=False,
            ignore_result=True,
            expires=60,
        )

    _ask_broker(send, f"{task} is left to the sweep")


def nudge_for_rest(
    task: str, *, tried: int, limit: int, out_of_time: bool = False, **arguments: str
) -> None:
    """Ask for another run of a task that ended as it had tried as many rows as it may, or as its
    time was over: nobody else does, as one nudge stood for all of them."""
    if tried >= limit or out_of_time:
        nudge(task, **arguments)


def begin(mark: str) -> None:
    """Take a nudge's mark away: its task is about to look for work, and whoever commits some from
    here on sends a message again. Never raises; a mark that Redis keeps lapses."""

    def take_away(producer: Producer) -> None:
        _client_of(producer).delete(mark)

    _ask_broker(take_away, f"{mark} is left to lapse")


def _ask_broker(ask: Callable[[Producer], object], otherwise: str) -> None:
    if not breaker.allows():
        return
    try:
        with _producers(_broker_url(), os.getpid()).acquire(
            block=True, timeout=_patience()
        ) as producer:
            ask(producer)
    except Exception as exc:
        breaker.failed(exc)
        logger.warning("broker unavailable, %s: %s", otherwise, exc)
    else:
        breaker.succeeded()


def _client_of(producer: Producer) -> redis.Redis:
    """The channel's own client, made once: kombu makes one for each use, which takes longer than
    to ask it for a mark."""
    channel = producer.channel
    client = _clients.get(channel)
    if client is None or client.connection_pool is not channel.pool:
        with channel.conn_or_acquire() as client:
            _clients[channel] = client
    return client


def broker_answers() -> bool:
    """Return whether the broker takes a connection. Raises what kombu raises when it doesn't."""
    if not breaker.allows():
        return False
    with _connection(_broker_url()) as connection:
        try:
            connection.default_channel.close()
        except Exception as exc:
            breaker.failed(exc)
            raise
    breaker.succeeded()
    return True


def _connection(url: str) -> Connection:
    """A connection for requests, which have no time: the worker's own may wait longer."""
    patience = _patience()
    connection: Connection = current_app.connection_for_write(
        url,
        transport_options={
            "socket_connect_timeout": patience,
            "socket_timeout": patience,
            "max_retries": 0,
        },
    )
    return connection


@lru_cache(maxsize=1)
def _producers(url: str, process: int) -> ProducerPool:
    """The pool of this process: connections that were open before a fork belong to its parent."""
    return ProducerPool(_connection(url).Pool(limit=_AT_ONCE), limit=_AT_ONCE)


def _broker_url() -> str:
    url: str = current_app.conf.broker_write_url
    return url


def _patience() -> float:
    seconds: float = settings.REDIS_TIMEOUT_SECONDS
    return seconds
