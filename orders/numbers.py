"""Numbers of orders, invoices and credit notes."""

import datetime as dt

from django.db import connection

from orders.models import NumberSeries


def next_order_number(*, at: dt.datetime) -> str:
    """Return the next `ORD-YYYY-NNNNN`: unique and rising, also beyond the year's end. What is
    rolled back leaves a gap, and nobody waits for anybody. The year is that of `at` in UTC."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('orders_order_number')")
        (number,) = cursor.fetchone()
    return f"ORD-{_year(at)}-{number:05d}"


def skip_order_numbers(*, up_to: int) -> None:
    """Let the next order's number be above this one, if it isn't anyway."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT setval('orders_order_number', greatest(last_value, %s)) "
            "FROM orders_order_number",
            [up_to],
        )


def next_invoice_number(*, at: dt.datetime) -> str:
    """Return the year's next `INV-YYYY-NNNNN`. Gapless because the number is part of the
    transaction that settles: if that is rolled back, the next settlement gets the same number.

    The series' row stays locked until the caller's transaction ends, so take it last.
    """
    return _next("INV", at)


def next_credit_note_number(*, at: dt.datetime) -> str:
    """Return the year's next `CN-YYYY-NNNNN`, gapless as invoices' numbers are."""
    return _next("CN", at)


def _next(prefix: str, at: dt.datetime) -> str:
    name = f"{prefix}-{_year(at)}"
    last = _advance(name)
    if last is None:
        NumberSeries.objects.bulk_create([NumberSeries(name=name)], ignore_conflicts=True)
        last = _advance(name)
    return f"{name}-{last:05d}"


def _year(at: dt.datetime) -> int:
    return at.astimezone(dt.UTC).year


def _advance(name: str) -> int | None:
    """Count one up; the update's row lock keeps the number ours until the transaction ends. None
    for a series that isn't there."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE orders_numberseries SET last = last + 1 WHERE name = %s RETURNING last", [name]
        )
        row = cursor.fetchone()
    return None if row is None else int(row[0])
