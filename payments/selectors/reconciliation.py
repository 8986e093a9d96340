"""Reads of the comparison with Stripe: its runs, and what they found."""

import datetime as dt

from django.db.models import QuerySet
from django.utils import timezone

from payments.clocks import CLOCKS
from payments.models import ReconciliationDifference, ReconciliationRun


def list_runs() -> QuerySet[ReconciliationRun]:
    """Return the runs, newest first, but those that are dated later than now by more than clocks
    differ: nobody's work, they would say for years that all was compared."""
    return ReconciliationRun.objects.filter(created_at__lte=timezone.now() + CLOCKS)


def list_finished_runs() -> QuerySet[ReconciliationRun]:
    """Return of `list_runs` those that were brought to their end without an error."""
    return list_runs().filter(error="", finished_at__lte=timezone.now() + CLOCKS)


def find_last_success() -> dt.datetime | None:
    """Return when a comparison was last brought to its end; None for never."""
    done = list_finished_runs().order_by("-finished_at")
    return done.values_list("finished_at", flat=True).first()


def list_open_differences() -> list[ReconciliationDifference]:
    """Return what still differs from Stripe, or contradicts itself in the books, oldest first."""
    return list(ReconciliationDifference.objects.filter(resolved_at=None).order_by("created_at"))
