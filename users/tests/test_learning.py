"""Totals, streaks, calendars and names: the doors other apps use."""

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

import pytest

from tests.factories import InstructorFactory, UserFactory
from users import selectors, services
from users.models import UserProfile

AT = dt.datetime(2026, 3, 1, 10, tzinfo=dt.UTC)

pytestmark = pytest.mark.django_db


def test_adjusting_adds_takes_and_never_falls_below_zero(django_assert_num_queries: Any) -> None:
    user, other = UserFactory.create(), UserFactory.create()
    with django_assert_num_queries(1):
        services.adjust_learning(user_id=user.id, seconds=5400, courses_completed=2, certificates=1)
    services.adjust_learning(user_id=user.id, seconds=-600, courses_completed=-3)
    totals = selectors.get_learning_totals(user_id=user.id)
    assert totals == selectors.LearningTotals(
        total_hours_learned=Decimal("1.33"),
        courses_completed=0,
        certificates_earned=1,
        current_streak_days=0,
    )
    untouched = UserProfile.objects.get(user=other)
    assert untouched.total_seconds_learned == untouched.certificates_earned == 0


def test_recording_a_streak_touches_nothing_else() -> None:
    user = UserFactory.create()
    services.adjust_learning(user_id=user.id, seconds=60)
    services.record_streak(user_id=user.id, streak_days=3, day=AT.date(), at=AT)
    profile = UserProfile.objects.get(user=user)
    assert (profile.current_streak_days, profile.streak_day) == (3, AT.date())
    assert profile.last_activity == AT
    assert profile.total_seconds_learned == 60


@pytest.mark.parametrize(
    ("zone", "at", "day"),
    [
        ("", "2026-03-01T23:30:00+00:00", "2026-03-01"),
        ("UTC", "2026-03-01T23:30:00+00:00", "2026-03-01"),
        ("Europe/Berlin", "2026-03-01T23:30:00+00:00", "2026-03-02"),
        ("America/Los_Angeles", "2026-03-01T07:59:00+00:00", "2026-02-28"),
        ("Pacific/Kiritimati", "2026-03-01T10:00:00+00:00", "2026-03-02"),
        ("No/Such_Zone", "2026-03-01T23:30:00+00:00", "2026-03-01"),
    ],
)
def test_local_day(zone: str, at: str, day: str) -> None:
    user = UserFactory.create()
    UserProfile.objects.filter(user=user).update(timezone=zone)
    local = selectors.local_day(user_id=user.id, at=dt.datetime.fromisoformat(at))
    assert local == dt.date.fromisoformat(day)


def test_local_day_of_nobody_is_utcs() -> None:
    assert selectors.local_day(user_id=uuid.uuid4(), at=AT) == AT.date()


@pytest.mark.parametrize(
    ("day", "zone", "shown"),
    [
        (None, "UTC", 0),
        ("2026-03-01", "UTC", 7),
        ("2026-02-28", "UTC", 7),
        ("2026-02-27", "UTC", 0),
        # 10:00 UTC is the 2nd of March in Kiritimati and still the 28th at 01:00 … in Honolulu
        ("2026-02-28", "Pacific/Kiritimati", 0),
        ("2026-02-27", "Pacific/Honolulu", 0),
        ("2026-02-28", "Pacific/Honolulu", 7),
    ],
)
def test_a_streak_lapses_when_yesterday_was_missed(day: Any, zone: str, shown: int) -> None:
    assert shown == selectors.current_streak(
        streak_days=7,
        streak_day=dt.date.fromisoformat(day) if day else None,
        timezone_name=zone,
        at=AT,
    )


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "0"), (3600, "1"), (5400, "1.5"), (1200, "0.33"), (35, "0.01")]
)
def test_hours(seconds: int, shown: str) -> None:
    assert selectors.hours(seconds=seconds) == Decimal(shown)


class TestSearchInstructors:
    def test_by_beginnings_of_the_name_in_any_case(self) -> None:
        angela = InstructorFactory.create(first_name="Angela", last_name="Yu")
        InstructorFactory.create(first_name="Max", last_name="Schwarz")
        InstructorFactory.create(first_name="Angela", last_name="Gone", is_active=False)
        UserFactory.create(first_name="Angela", last_name="Learner")
        for q in ("angela", "ANGELA Y", "yu ang", "Ángela", " yu ", "a"):
            count, rows = selectors.search_instructors(q=q, limit=10, offset=0)
            assert count == 1
            assert rows == [
                selectors.InstructorRow(
                    id=angela.id, first_name="Angela", last_name="Yu", bio="", profile_picture=""
                )
            ]

    def test_not_from_the_middle_of_a_name(self) -> None:
        InstructorFactory.create(first_name="Martin", last_name="Zárate")
        assert selectors.search_instructors(q="art", limit=10, offset=0) == (0, [])
        assert selectors.search_instructors(q="martin zarate", limit=10, offset=0)[0] == 1
        assert selectors.search_instructors(q="martin yu", limit=10, offset=0)[0] == 0

    def test_wildcards_are_letters(self) -> None:
        InstructorFactory.create()
        for q in ("", " ", "\0", "\\", "a%", "🦊", "' or 1=1"):
            assert selectors.search_instructors(q=q, limit=10, offset=0) == (0, [])
        assert selectors.search_instructors(q="%", limit=10, offset=0) == (0, [])
        assert selectors.search_instructors(q="_", limit=10, offset=0) == (0, [])

    def test_pages_in_a_fixed_order_and_number_of_queries(
        self, django_assert_num_queries: Any
    ) -> None:
        people = [
            InstructorFactory.create(first_name="Eve", last_name=f"{n:02}") for n in range(20)
        ]
        with django_assert_num_queries(1):
            count, rows = selectors.search_instructors(q="eve", limit=5, offset=10)
        assert count == 20
        assert [row.id for row in rows] == [person.id for person in people[10:15]]
        assert selectors.search_instructors(q="eve", limit=5, offset=20) == (20, [])
