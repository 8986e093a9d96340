"""What `/metrics` tells Prometheus: all web processes together, and what the apps count of
themselves.

It is read just when something is wrong. Without PostgreSQL or Redis it says so and tells the rest,
and no query of it may take long: each has an index that holds little more than what is counted, and
a time-out besides.
"""

import datetime as dt
import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.models import Count, Min
from django.utils import timezone
from django_redis import get_redis_connection
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from core import heartbeats, jobs
from core.health import database_answers
from core.models import OutboxDelivery

logger = logging.getLogger(__name__)

STATEMENT_MILLISECONDS = 2000
_collectors: dict[str, Collector] = {}


def register_collector(collector: Collector, *, name: str) -> None:
    """Have a collector asked whenever metrics are read, in any process. It should read rows rather
    than count calls, as it speaks for the installation and not for a process. The same name again
    takes the former one's place."""
    _collectors[name] = collector


def gauge_by_label(
    name: str, text: str, label: str, values: Mapping[Any, float], *, always: Iterable[str] = ()
) -> GaugeMetricFamily:
    """Return a gauge with one value for each label value; those of `always` are told as 0 when they
    are missing, so that an alert has something to look at."""
    gauge = GaugeMetricFamily(name, text, labels=[label])
    for value in sorted({*values, *always}):
        gauge.add_metric([value], values.get(value, 0))
    return gauge


def seconds_since(at: dt.datetime) -> float:
    """Return how old something is."""
    return max(0.0, (timezone.now() - at).total_seconds())


class _OutboxCollector(Collector):
    """How many deliveries wait, how long, and how many gave up."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        pending, dead = OutboxDelivery.Status.PENDING, OutboxDelivery.Status.DEAD
        waiting = list(
            OutboxDelivery.objects.filter(status=pending)
            .values_list("queue")
            .annotate(count=Count("id"), oldest=Min("event__recorded_at"))
            .order_by()
        )
        counts = {
            pending: sum(count for _, count, _ in waiting),
            dead: OutboxDelivery.objects.filter(status=dead).count(),
        }
        yield gauge_by_label(
            "learnflow_outbox_deliveries", "Deliveries not made yet", "status", counts
        )
        yield gauge_by_label(
            "learnflow_outbox_oldest_pending_seconds",
            "Age of the oldest delivery not made yet",
            "queue",
            {queue: seconds_since(oldest) for queue, _, oldest in waiting},
            always=_queue_names(),
        )


class _JobCollector(Collector):
    """When daily and hourly work was last done."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        states = jobs.list_states()
        done = {
            state.name: state.last_success.finished_at.timestamp()
            for state in states
            if state.last_success and state.last_success.finished_at
        }
        names = [state.name for state in states]
        yield gauge_by_label(
            "learnflow_job_last_success_timestamp_seconds",
            "When a job was last done; 0 for never",
            "job",
            done,
            always=names,
        )
        yield gauge_by_label(
            "learnflow_job_overdue",
            "Whether a job should have been done by now",
            "job",
            {state.name: float(state.is_overdue) for state in states},
        )


class _RedisCollector(Collector):
    """How long the queues are, and who is there to work on them."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        names, prefix = _queue_names(), settings.CELERY_BROKER_TRANSPORT_OPTIONS["global_keyprefix"]
        with get_redis_connection("default").pipeline(transaction=False) as pipe:
            for name in names:
                pipe.llen(f"{prefix}{name}")
            lengths = dict(zip(names, pipe.execute(), strict=True))
        yield gauge_by_label(
            "learnflow_queue_length", "Messages that no worker has taken yet", "queue", lengths
        )
        lives = heartbeats.look()
        yield gauge_by_label(
            "learnflow_process_up",
            "Whether a worker of the queue, or beat, gave a sign of life lately",
            "role",
            {life.role: float(life.is_alive) for life in lives},
        )


class _Gathered(Collector):
    """Families that were collected before, so that what fails fails there."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = list(families)

    def collect(self) -> Iterator[Metric]:
        yield from self._families


register_collector(_OutboxCollector(), name="outbox")
register_collector(_JobCollector(), name="jobs")


def collect_metrics() -> bytes:
    """Return the metrics in Prometheus' text format. With several web processes their metrics lie
    in `PROMETHEUS_MULTIPROC_DIR` and are added up; without it this process' own are told.

    What can't be asked is left out and named in `learnflow_metrics_missing`."""
    own = CollectorRegistry()
    own.register(_Gathered(_gather()))
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        MultiProcessCollector(own)
        return generate_latest(own)
    return generate_latest(REGISTRY) + generate_latest(own)


def _gather() -> Iterator[Metric]:
    has_database = _has_database()
    missing = {name: 1.0 for name in _collectors if not has_database}
    for name, collector in _collectors.items() if has_database else ():
        families = _ask(name, collector)
        yield from families or []
        missing[name] = float(families is None)
    from_redis = _try("redis", _RedisCollector())
    yield from from_redis or []
    yield GaugeMetricFamily("learnflow_database_up", "Whether PostgreSQL answers", has_database)
    redis_up = from_redis is not None
    yield GaugeMetricFamily("learnflow_redis_up", "Whether Redis answers", redis_up)
    yield gauge_by_label(
        "learnflow_metrics_missing", "Figures that couldn't be asked for", "collector", missing
    )


def _has_database() -> bool:
    try:
        return database_answers()
    except Exception as exc:
        logger.warning("metrics without the database: %s", exc)
        return False


def _ask(name: str, collector: Collector) -> list[Metric] | None:
    """Return what a collector reads from the database, in a transaction of its own: one that takes
    too long, or fails, takes nothing else with it."""

    class Bounded(Collector):
        def collect(self) -> Iterator[Metric]:
            with transaction.atomic():
                with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
                    cursor.execute(f"SET LOCAL statement_timeout = {STATEMENT_MILLISECONDS}")
                yield from list(collector.collect())

    return _try(name, Bounded())


def _try(name: str, collector: Collector) -> list[Metric] | None:
    try:
        return list(collector.collect())
    except Exception as exc:
        logger.warning("metrics without %s: %s", name, exc)
        return None


def _queue_names() -> list[str]:
    return [queue.name for queue in settings.CELERY_TASK_QUEUES]
