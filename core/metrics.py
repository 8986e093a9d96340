"""What `/metrics` tells Prometheus: all web processes together, and what the apps count of
themselves."""

import os
from collections.abc import Iterable, Iterator, Mapping

from django.db.models import Count
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from core.models import OutboxDelivery

_collectors: dict[str, Collector] = {}


def register_collector(collector: Collector, *, name: str) -> None:
    """Have a collector asked whenever metrics are read, in any process. It should read rows rather
    than count calls, as it speaks for the installation and not for a process. The same name again
    takes the former one's place."""
    _collectors[name] = collector


def gauge_by_label(
    name: str, text: str, label: str, values: Mapping[str, float], *, always: Iterable[str] = ()
) -> GaugeMetricFamily:
    """Return a gauge with one value for each label value; those of `always` are told as 0 when they
    are missing, so that an alert has something to look at."""
    gauge = GaugeMetricFamily(name, text, labels=[label])
    for value in sorted({*values, *always}):
        gauge.add_metric([value], values.get(value, 0))
    return gauge


class _OutboxCollector(Collector):
    """How many deliveries wait and how many gave up."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        counts = dict(
            OutboxDelivery.objects.exclude(status=OutboxDelivery.Status.DELIVERED)
            .values_list("status")
            .annotate(count=Count("id"))
        )
        yield gauge_by_label(
            "learnflow_outbox_deliveries", "Deliveries not made yet", "status", counts,
            always=[OutboxDelivery.Status.PENDING, OutboxDelivery.Status.DEAD],
        )  # fmt: skip


register_collector(_OutboxCollector(), name="outbox")


def collect_metrics() -> bytes:
    """Return the metrics in Prometheus' text format. With several web processes their metrics lie
    in `PROMETHEUS_MULTIPROC_DIR` and are added up; without it this process' own are told."""
    own = CollectorRegistry()
    for collector in _collectors.values():
        own.register(collector)
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        MultiProcessCollector(own)
        return generate_latest(own)
    return generate_latest(REGISTRY) + generate_latest(own)
