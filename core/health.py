"""Whether the parts this process depends on answer. No internals leave this module."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from django.core.cache import cache
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.migrations.executor import MigrationExecutor
from django_redis import get_redis_connection

from core import heartbeats
from core.nudge import broker_answers
from core.postgresql.patience import in_a_hurry

logger = logging.getLogger(__name__)

# Those who ask wait for four seconds (docker/healthcheck.py).
_DATABASE_SECONDS = 2.0

_migrated = False


@dataclass(frozen=True, kw_only=True)
class Readiness:
    """The outcome of each check, by name: of what a request needs, and of who works beside it."""

    needed: dict[str, bool]
    beside: dict[str, bool]

    @property
    def checks(self) -> dict[str, bool]:
        """All of them."""
        return self.needed | self.beside

    @property
    def ok(self) -> bool:
        """Whether requests can be answered. Nobody is sent away because a worker is: what people
        do is written down, and done when it is back."""
        return all(self.needed.values())

    @property
    def is_whole(self) -> bool:
        """Whether every check passed."""
        return all(self.checks.values())


def check_readiness() -> Readiness:
    """Check database, migrations, cache and broker, and whether workers and beat are there; each
    within two seconds or so. While Redis is left alone after a failure, it isn't asked for this
    either, and counts as away."""
    checks: dict[str, Callable[[], bool]] = {
        "database": database_answers,
        "migrations": migrations_applied,
        "cache": cache_answers,
        "broker": broker_answers,
    }
    with in_a_hurry(_DATABASE_SECONDS):
        needed = {name: _passes(name, check) for name, check in checks.items()}
    return Readiness(needed=needed, beside=_look_beside())


def _look_beside() -> dict[str, bool]:
    """Whether somebody works in each queue, and sets off sweeps and jobs."""
    found: dict[str, bool] = {}
    for life in heartbeats.look():
        name = heartbeats.BEAT if life.role == heartbeats.BEAT else "worker"
        found[name] = found.get(name, True) and life.is_alive
    return found


def database_answers() -> bool:
    """Return whether PostgreSQL executes a statement, within two seconds."""
    with in_a_hurry(_DATABASE_SECONDS), connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute("SELECT 1")
        return bool(cursor.fetchone() == (1,))


def migrations_applied() -> bool:
    """Return whether no migration is missing. Asked until the first yes: a process doesn't
    un-migrate."""
    global _migrated  # noqa: PLW0603 - remembered once per process
    if not _migrated:
        executor = MigrationExecutor(connections[DEFAULT_DB_ALIAS])
        _migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    return _migrated


def cache_answers() -> bool:
    """Return whether Redis answers. Asked past the cache API, which hides a dead Redis."""
    return bool(get_redis_connection("default").ping()) and cache is not None


def _passes(name: str, check: Callable[[], bool]) -> bool:
    try:
        return check()
    except Exception as exc:
        logger.warning("health check %s failed: %s", name, exc)
        return False
