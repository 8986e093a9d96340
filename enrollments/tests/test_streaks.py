"""Streaks are days in a row on the person's own calendar."""

import datetime as dt

import pytest
import time_machine

from enrollments.models import Enrollment, LearningDay
from enrollments.services.streaks import record_learning_day
from tests.factories import UserFactory
from users.models import User, UserProfile
from users.selectors import get_learning_totals

pytestmark = pytest.mark.django_db


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def learner(zone: str) -> User:
    user = UserFactory.create()
    UserProfile.objects.filter(user=user).update(timezone=zone)
    return user


def streak(user: User, moment: dt.datetime) -> int:
    with time_machine.travel(moment, tick=False):
        return get_learning_totals(user_id=user.id).current_streak_days


@pytest.mark.parametrize(
    ("zone", "moments", "expected"),
    [
        # One evening and one morning in Los Angeles, one and the same day in UTC.
        ("America/Los_Angeles", ["2026-03-02T06:00", "2026-03-02T20:00"], 2),
        ("UTC", ["2026-03-02T06:00", "2026-03-02T20:00"], 1),
        # One day in Tokyo, two in UTC.
        ("Asia/Tokyo", ["2026-03-01T16:00", "2026-03-02T14:00"], 1),
        ("UTC", ["2026-03-01T16:00", "2026-03-02T14:00"], 2),
        # The day the clocks change has 23 hours in New York.
        ("America/New_York", ["2026-03-08T04:30", "2026-03-08T12:00", "2026-03-09T03:59"], 2),
        # A day left out starts anew; a day twice counts once.
        ("UTC", ["2026-03-01T10:00", "2026-03-03T10:00", "2026-03-04T10:00"], 2),
        ("UTC", ["2026-03-01T10:00", "2026-03-01T11:00"], 1),
        # Over the new year.
        ("UTC", ["2025-12-30T10:00", "2025-12-31T10:00", "2026-01-01T10:00"], 3),
    ],
)
def test_days_in_a_row(zone: str, moments: list[str], expected: int) -> None:
    user = learner(zone)
    for moment in moments:
        record_learning_day(user_id=user.id, at=at(moment))
    assert streak(user, at(moments[-1])) == expected
    assert UserProfile.objects.get(user=user).last_activity == at(moments[-1])


def test_it_lapses_when_a_whole_day_was_left_out() -> None:
    user = learner("America/Los_Angeles")
    record_learning_day(user_id=user.id, at=at("2026-03-02T06:00"))  # the first of March there
    assert streak(user, at("2026-03-03T07:59")) == 1
    assert streak(user, at("2026-03-03T08:00")) == 0


def test_a_day_already_had_stays_when_travelling_west() -> None:
    user = learner("Pacific/Auckland")
    record_learning_day(user_id=user.id, at=at("2026-03-01T00:00"))
    record_learning_day(user_id=user.id, at=at("2026-03-01T12:00"))
    UserProfile.objects.filter(user=user).update(timezone="Pacific/Honolulu")
    record_learning_day(user_id=user.id, at=at("2026-03-01T20:00"))
    assert streak(user, at("2026-03-01T20:00")) == 2
    assert LearningDay.objects.filter(user=user).count() == 2


def test_a_long_streak_is_counted_whole() -> None:
    user = learner("UTC")
    first = dt.date(2025, 1, 1)
    days = [first + dt.timedelta(days=number) for number in range(400)]
    LearningDay.objects.bulk_create([LearningDay(user=user, day=day) for day in days[:-1]])
    record_learning_day(user_id=user.id, at=dt.datetime.combine(days[-1], dt.time(9), dt.UTC))
    assert UserProfile.objects.get(user=user).current_streak_days == 400


def test_days_of_others_do_not_count(enrollment: Enrollment) -> None:
    user = learner("UTC")
    record_learning_day(user_id=enrollment.user_id, at=at("2026-03-01T10:00"))
    record_learning_day(user_id=user.id, at=at("2026-03-02T10:00"))
    assert UserProfile.objects.get(user=user).current_streak_days == 1
