"""What `/metrics` tells Prometheus: all web processes together, and the outbox's state."""

import os
from collections.abc import Iterator

from django.db.models import Count
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from core.models import OutboxDelivery


class _OutboxCollector(Collector):
    """How many deliveries wait and how many gave up, read when asked."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        counts = dict(
            OutboxDelivery.objects.exclude(status=OutboxDelivery.Status.DELIVERED)
            .values_list("status")
            .annotate(count=Count("id"))
        )
        gauge = GaugeMetricFamily(
            "learnflow_outbox_deliveries", "Deliveries not made yet", labels=["status"]
        )
        for status in (OutboxDelivery.Status.PENDING, OutboxDelivery.Status.DEAD):
            gauge.add_metric([status], counts.get(status, 0))
        yield gauge


def collect_metrics() -> bytes:
    """Return the metrics in Prometheus' text format. With several web processes their metrics lie
    in `PROMETHEUS_MULTIPROC_DIR` and are added up; without it this process' own are told."""
    own = CollectorRegistry()
    own.register(_OutboxCollector())
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        MultiProcessCollector(own)
        return generate_latest(own)
    return generate_latest(REGISTRY) + generate_latest(own)
