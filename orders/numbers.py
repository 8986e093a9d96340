"""Numbers of orders, invoices and credit notes."""

import datetime as dt

from django.db.models import F

from orders.models import NumberSeries


def next_order_number(*, at: dt.datetime) -> str:
    """Return the year's next `ORD-YYYY-NNNNN`: unique and rising; a rollback leaves no gap either.

    The series' row stays locked until the caller's transaction ends, so take it late. The year is
    that of `at` in UTC.
    """
    return _next("ORD", at)


def next_invoice_number(*, at: dt.datetime) -> str:
    """Return the year's next `INV-YYYY-NNNNN`. Gapless because the number is part of the
    transaction that settles: if that is rolled back, the next settlement gets the same number."""
    return _next("INV", at)


def next_credit_note_number(*, at: dt.datetime) -> str:
    """Return the year's next `CN-YYYY-NNNNN`, gapless as invoices' numbers are."""
    return _next("CN", at)


def _next(prefix: str, at: dt.datetime) -> str:
    name = f"{prefix}-{at.astimezone(dt.UTC).year}"
    if not _advance(name):
        NumberSeries.objects.bulk_create([NumberSeries(name=name)], ignore_conflicts=True)
        _advance(name)
    last = NumberSeries.objects.values_list("last", flat=True).get(name=name)
    return f"{name}-{last:05d}"


def _advance(name: str) -> bool:
    """Count one up; the update's row lock keeps the number ours until the transaction ends."""
    return NumberSeries.objects.filter(name=name).update(last=F("last") + 1) == 1
