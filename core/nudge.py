"""Telling Celery that there is work. Only a hint: a beat sweep finds the work anyway."""

import logging
import os
from functools import lru_cache

from celery import current_app
from django.conf import settings
from kombu import Connection
from kombu.pools import ProducerPool

from core.redis import breaker

logger = logging.getLogger(__name__)

# Connections for nudges: more threads than that share them.
_AT_ONCE = 10


def nudge(task: str, **arguments: str) -> None:
    """Ask a worker to run the named task soon, with these arguments. Never raises and never waits
    long: when the broker doesn't take it, or Redis has just failed anybody else, the sweep does the
    work some seconds later."""
    if not breaker.allows():
        return
    try:
        with _producers(_broker_url(), os.getpid()).acquire(
            block=True, timeout=_patience()
        ) as producer:
            current_app.send_task(
                task,
                kwargs=arguments,
                producer=producer,
                retry=False,
                ignore_result=True,
                expires=60,
            )
    except Exception as exc:
        breaker.failed(exc)
        logger.warning("broker unavailable, %s is left to the sweep: %s", task, exc)
    else:
        breaker.succeeded()


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
