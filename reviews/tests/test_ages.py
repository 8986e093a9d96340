"""How long ago a review was written, as its course's page tells it."""

import datetime as dt

from django.utils.timesince import timesince
from hypothesis import given
from hypothesis import strategies as st

from reviews.selectors import tell_age

_START = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)


@given(
    now=st.timedeltas(dt.timedelta(0), dt.timedelta(days=14_600)).map(lambda gone: _START + gone),
    age=st.one_of(
        st.timedeltas(dt.timedelta(0), dt.timedelta(days=9_000)),
        # Near the turns of the units.
        st.timedeltas(dt.timedelta(0), dt.timedelta(hours=3)),
        st.integers(1, 2_000).map(lambda days: dt.timedelta(days=days)),
    ),
)
def test_ages_are_those_that_django_tells(now: dt.datetime, age: dt.timedelta) -> None:
    told = timesince(now - age, now, depth=1).replace("\xa0", " ")
    expected = "just now" if told.startswith("0 ") else f"{told} ago"
    assert tell_age(now - age, now=now) == expected
