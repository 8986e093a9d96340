"""What an operator should hear about money."""

import datetime as dt
from collections.abc import Iterator

from django.db.models import Count, Max, Q
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from core.metrics import gauge_by_label
from payments.models import (
    Payment,
    Payout,
    ReconciliationDifference,
    ReconciliationRun,
    Refund,
    StripeEvent,
)

# How long a failed payout is shown: the instructor is paid by another one, which nobody follows.
PAYOUT_TROUBLE_SEEN = dt.timedelta(days=7)


class MoneyCollector(Collector):
    """Differences from Stripe, when they were last looked for, events that wait, and payments,
    refunds and payouts that staff should look at."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield _count_differences()
        yield _tell_last_comparison()
        yield _count_events()
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
    last = ReconciliationRun.objects.aggregate(at=Max("finished_at", filter=Q(error="")))["at"]
    return GaugeMetricFamily(
        "learnflow_reconciliation_last_success_timestamp_seconds",
        "When a comparison with Stripe was last brought to its end; 0 for never",
        last.timestamp() if last else 0,
    )


def _count_payouts_in_trouble() -> GaugeMetricFamily:
    due, failed = Payout.Status.DUE, Payout.Status.FAILED
    tried_in_vain = Q(status=due) & ~Q(last_error="")
    failed_lately = Q(status=failed, updated_at__gt=timezone.now() - PAYOUT_TROUBLE_SEEN)
    rows = Payout.objects.filter(tried_in_vain | failed_lately).values_list("status")
    return gauge_by_label(
        "learnflow_payouts_in_trouble",
        "Payouts that were tried in vain and are still due, or that failed within a week",
        "status",
        dict(rows.annotate(count=Count("id")).order_by()),
        always=[due, failed],
    )


def _count_events() -> GaugeMetricFamily:
    waiting = [StripeEvent.Status.RECEIVED, StripeEvent.Status.DEAD]
    rows = StripeEvent.objects.filter(status__in=waiting).values_list("status")
    return gauge_by_label(
        "learnflow_stripe_events",
        "Events of Stripe's that wait, or gave up",
        "status",
        dict(rows.annotate(count=Count("id")).order_by()),
        always=waiting,
    )
