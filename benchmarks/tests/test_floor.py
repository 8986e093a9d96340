import datetime as dt

import pytest
from django.utils.timesince import timesince

from benchmarks.floor import sql
from benchmarks.floor.detail import tell_age

_NOW = dt.datetime(2026, 3, 31, 12, 0, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    "age",
    [
        dt.timedelta(seconds=seconds)
        for seconds in (60, 119, 3_600, 86_399, 86_400, 7 * 86_400, 27 * 86_400, 31 * 86_400,
                        32 * 86_400, 200 * 86_400, 365 * 86_400, 366 * 86_400, 4_000 * 86_400)
    ],
    ids=str,
)  # fmt: skip
def test_ages_are_told_as_django_tells_them(age):
    told = timesince(_NOW - age, _NOW, depth=1).replace("\xa0", " ")
    assert tell_age(_NOW - age, _NOW) == f"{told} ago"


def test_within_a_minute_is_just_now():
    assert tell_age(_NOW - dt.timedelta(seconds=59), _NOW) == "just now"


def test_a_page_and_its_count_have_the_same_conditions():
    names = ("category", "level")
    conditions = sql.count(names).split("WHERE", 1)[1].strip()
    assert conditions in sql.page("popular", names, 20, with_flags=False)
