"""Numbers of orders, invoices and credit notes."""

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Sequence

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


def next_invoice_numbers(*, times: Sequence[dt.datetime]) -> list[str]:
    """Return a `INV-YYYY-NNNNN` for each of these moments, rising in their order within a year.
    Gapless because the numbers are part of the transaction that settles: if that is rolled back,
    the next settlement gets the same.

    The series' row stays locked until the caller's transaction ends, so take them last.
    """
    wanted = Counter(_series("INV", at) for at in times)
    # In key order: at the turn of the year there are two.
    given = {name: _take(name, count) for name, count in sorted(wanted.items())}
    return [f"{name}-{next(given[name]):05d}" for name in (_series("INV", at) for at in times)]


def next_credit_note_number(*, at: dt.datetime) -> str:
    """Return the year's next `CN-YYYY-NNNNN`, gapless as invoices' numbers are."""
    name = _series("CN", at)
    return f"{name}-{next(_take(name, 1)):05d}"


def _series(prefix: str, at: dt.datetime) -> str:
    return f"{prefix}-{_year(at)}"


def _take(name: str, count: int) -> Iterator[int]:
    """Return the next `count` numbers of a series."""
    last = _advance(name, count)
    if last is None:
        NumberSeries.objects.bulk_create([NumberSeries(name=name)], ignore_conflicts=True)
        last = _advance(name, count)
    if last is None:
        raise RuntimeError(f"There is no series {name}")
    return iter(range(last - count + 1, last + 1))


def _year(at: dt.datetime) -> int:
    return at.astimezone(dt.UTC).year


def _advance(name: str, count: int) -> int | None:
    """Count up; the update's row lock keeps the numbers ours until the transaction ends. None for a
    series that isn't there."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE orders_numberseries SET last = last + %s WHERE name = %s RETURNING last",
            [count, name],
        )
        row = cursor.fetchone()
    return None if row is None else int(row[0])
