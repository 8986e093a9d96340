"""Number series without gaps, verified from where they were before."""

from collections.abc import Mapping
from decimal import Decimal

from django.db import connection

# Up to which number each series was without a gap, beside its last number given out. Orders'
# numbers may have gaps.
_SERIES = """
    SELECT coalesce(series.name, mark.name), series.last::numeric, mark.amount
    FROM orders_numberseries series
    FULL JOIN (
        SELECT substring(name FROM 8) AS name, amount FROM payments_bookmark
        WHERE name LIKE 'series:%'
    ) mark ON mark.name = series.name
    WHERE coalesce(series.name, mark.name) ~ '^(INV|CN)-'
"""
_MARK = """
    INSERT INTO payments_bookmark (name, amount)
    SELECT 'series:' || name, last FROM orders_numberseries WHERE name ~ '^(INV|CN)-'
    ON CONFLICT (name) DO UPDATE SET amount = excluded.amount
"""
_FORGET = """
    DELETE FROM payments_bookmark mark WHERE name LIKE 'series:%' AND NOT EXISTS (
        SELECT FROM orders_numberseries series WHERE 'series:' || series.name = mark.name
    )
"""


def find_series(rows: Mapping[str, Decimal], sums: Mapping[str, Decimal]) -> set[str]:
    """Return the series that may have a gap, given by how many documents each has more and what
    their numbers add up to.

    Numbers are positive and no two are equal. So many of them, with just the sum of the next so
    many numbers after those that were there, are these numbers.
    """
    with connection.cursor() as cursor:
        cursor.execute(_SERIES)
        known = cursor.fetchall()
    doubtful = {*rows, *sums} - {name for name, *_ in known}
    for name, last, verified in known:
        if (
            last is None
            or verified is None
            or rows.get(name, 0) != last - verified
            or sums.get(name, 0) != _triangle(last) - _triangle(verified)
        ):
            doubtful.add(name)
    return doubtful


def mark_series() -> None:
    """Note that all series were verified up to their last numbers."""
    with connection.cursor() as cursor:
        cursor.execute(_FORGET)
        cursor.execute(_MARK)


def _triangle(last: Decimal) -> Decimal:
    return last * (last + 1) / 2
