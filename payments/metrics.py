"""What an operator should hear about money."""

import datetime as dt
from collections.abc import Iterator

from django.db.models import Count, Min
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from core.metrics import gauge_by_label, seconds_since
from payments import key_rights
from payments.models import (
    Payment,
    Payout,
    ReconciliationDifference,
    Refund,
    StripeEvent,
)
from payments.selectors.reconciliation import find_last_success

# How long a failed payout is shown: the instructor is paid by another one, which nobody follows.
PAYOUT_TROUBLE_SEEN = dt.timedelta(days=7)


class MoneyCollector(Collector):
    """Differences from Stripe, when they were last looked for, events that wait, and payments,
    refunds and payouts that staff should look at."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield _count_differences()
        yield _tell_last_comparison()
        yield from _tell_of_events()
        attention = Payment.objects.exclude(needs_attention="").count()
        yield GaugeMetricFamily(
            "learnflow_payments_needing_attention", "Payments that staff should look at", attention
        )
        yield GaugeMetricFamily(
            "learnflow_refunds_in_trouble",
            "Refunds that were tried in vain and are still due",
            Refund.objects.filter(status=Refund.Status.DUE).exclude(last_error="").count(),
        )
        yield _count_payouts_in_trouble()
        yield GaugeMetricFamily(
            "learnflow_stripe_rights_missing",
            "Rights that our key at Stripe lacked within a day",
            len(key_rights.list_missing()),
        )


def _count_differences() -> GaugeMetricFamily:
    rows = ReconciliationDifference.objects.filter(resolved_at=None).values_list("kind")
    return gauge_by_label(
        "learnflow_reconciliation_differences",
        "What we have otherwise than Stripe, or books that contradict each other",
        "kind",
        dict(rows.annotate(count=Count("id")).order_by()),
        always=ReconciliationDifference.Kind.values,
    )


def _tell_last_comparison() -> GaugeMetricFamily:
    last = find_last_success()
    return GaugeMetricFamily(
        "learnflow_reconciliation_last_success_timestamp_seconds",
        "When a comparison with Stripe was last brought to its end; 0 for never",
        last.timestamp() if last else 0,
    )


def _count_payouts_in_trouble() -> GaugeMetricFamily:
    due, failed = Payout.Status.DUE, Payout.Status.FAILED
    lately = timezone.now() - PAYOUT_TROUBLE_SEEN
    counts = {
        due: Payout.objects.filter(status=due).exclude(last_error="").count(),
        failed: Payout.objects.filter(status=failed, updated_at__gt=lately).count(),
    }
    return gauge_by_label(
        "learnflow_payouts_in_trouble",
        "Payouts that were tried in vain and are still due, or that failed within a week",
        "status",
        counts,
    )


def _tell_of_events() -> Iterator[GaugeMetricFamily]:
    """Each status by a query of its own: an index holds those of one."""
    received, dead = StripeEvent.Status.RECEIVED, StripeEvent.Status.DEAD
    waiting = StripeEvent.objects.filter(status=received).aggregate(
        count=Count("id"), oldest=Min("received_at")
    )
    counts = {
        received: waiting["count"],
        dead: StripeEvent.objects.filter(status=dead).count(),
    }
    yield gauge_by_label(
        "learnflow_stripe_events", "Events of Stripe's that wait, or gave up", "status", counts
    )
    oldest = waiting["oldest"]
    yield GaugeMetricFamily(
        "learnflow_stripe_event_oldest_waiting_seconds",
        "Age of the oldest event of Stripe's that waits; 0 for none",
        seconds_since(oldest) if oldest else 0,
    )
