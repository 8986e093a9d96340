"""The years, months and days of a table, told by its first and its last date alone."""

import datetime as dt
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from django.db.models import Model
from django.utils import timezone


class Periods:
    """What Django's row of dates asks of a list's rows, for two looks into an index. Whether there
    is a row in each period isn't looked at."""

    def __init__(self, model: type[Model], *, field: str, params: Mapping[str, Any]) -> None:
        self._rows, self._field, self._params = model._base_manager.all(), field, params

    def aggregate(self, **_: object) -> dict[str, Any]:
        """Return the first and the last moment, as `first` and `last`."""
        return self._ends

    def datetimes(self, *_: object) -> list[dt.date]:
        """Return the periods one step below the one that the address names."""
        first, last = (_as_date(self._ends[name]) for name in ("first", "last"))
        if first is None or last is None:
            return []
        year, month = (self._params.get(f"{self._field}__{part}") for part in ("year", "month"))
        if year is None and first.year == last.year:
            year = first.year
            month = first.month if first.month == last.month else None
        return list(list_periods(first, last, year=_number(year), month=_number(month)))

    dates = datetimes

    @cached_property
    def _ends(self) -> dict[str, Any]:
        dated = self._rows.filter(**{f"{self._field}__isnull": False})
        values = dated.values_list(self._field, flat=True)
        return {
            "first": values.order_by(self._field).first(),
            "last": values.order_by(f"-{self._field}").first(),
        }


def list_periods(
    first: dt.date, last: dt.date, *, year: int | None, month: int | None
) -> Iterator[dt.date]:
    """The years from first to last; with a year its months, with a month its days, as far as they
    are between these."""
    if year is None:
        yield from (dt.date(one, 1, 1) for one in range(first.year, last.year + 1))
    elif month is None:
        for one in range(1, 13):
            if (first.year, first.month) <= (year, one) <= (last.year, last.month):
                yield dt.date(year, one, 1)
    else:
        day = max(first, dt.date(year, month, 1))
        while day <= last and (day.year, day.month) == (year, month):
            yield day
            day += dt.timedelta(days=1)


def _as_date(value: Any) -> dt.date | None:
    if isinstance(value, dt.datetime):
        return (timezone.localtime(value) if timezone.is_aware(value) else value).date()
    return value if isinstance(value, dt.date) else None


def _number(value: Any) -> int | None:
    # As of an address: the list's own filter has refused what is no number.
    return int(value[0] if isinstance(value, list) else value) if value else None
