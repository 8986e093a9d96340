"""What an operator should hear about mails."""

from collections.abc import Iterator

from django.db.models import Count, Min
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from core.metrics import gauge_by_label, seconds_since
from notifications.models import Email
from notifications.services import WAITING


class MailCollector(Collector):
    """Mails that wait, how long, and those that gave up, by kind."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        waiting = list(
            Email.objects.filter(status__in=WAITING)
            .values_list("kind")
            .annotate(count=Count("id"), oldest=Min("created_at"))
            .order_by()
        )
        counts = {
            "waiting": sum(count for _, count, _ in waiting),
            "dead": Email.objects.filter(status=Email.Status.DEAD).count(),
        }
        yield gauge_by_label("learnflow_mails", "Mails that aren't sent", "status", counts)
        yield gauge_by_label(
            "learnflow_mail_oldest_waiting_seconds",
            "Age of the oldest mail that isn't sent yet",
            "kind",
            {kind: seconds_since(oldest) for kind, _, oldest in waiting},
        )
