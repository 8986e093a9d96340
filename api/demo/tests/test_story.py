"""The story holds together whenever it is told."""

import datetime as dt
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from api.demo.rows.learning import count_streak
from api.demo.rows.sales import share_discount
from api.demo.sources import read_people, read_shelves, read_student
from api.demo.story import Story, tell_story

PEOPLE = read_people()
STUDENT = PEOPLE.student.email
# New year, both clock changes of the student's time zone, midnight there, and a leap day.
MOMENTS = [
    dt.datetime(2026, 1, 1, 0, 30, tzinfo=dt.UTC),
    dt.datetime(2026, 3, 9, 7, 5, tzinfo=dt.UTC),
    dt.datetime(2026, 11, 2, 8, 10, tzinfo=dt.UTC),
    dt.datetime(2026, 6, 15, 7, 10, tzinfo=dt.UTC),
    dt.datetime(2028, 2, 29, 23, 59, tzinfo=dt.UTC),
]


def tell(now: dt.datetime) -> Story:
    return tell_story(shelves=read_shelves(), people=PEOPLE, student=read_student(), now=now)


@pytest.fixture(params=MOMENTS, ids=[moment.isoformat() for moment in MOMENTS])
def now(request: pytest.FixtureRequest) -> dt.datetime:
    moment: dt.datetime = request.param
    return moment


def test_everything_happens_in_its_order(now: dt.datetime):
    story = tell(now)
    for attendance in story.attendances:
        published = now - dt.timedelta(days=attendance.course.age_days)
        assert published <= attendance.at < now
        assert story.joined[attendance.learner] <= attendance.at
        assert list(attendance.completions) == sorted(attendance.completions)
        assert all(attendance.at <= moment < now for moment in attendance.completions)
        assert len(attendance.completions) <= len(attendance.course.lessons)
        if attendance.review:
            assert attendance.at < attendance.review.at < now
    assert all(purchase.at < now for purchase in story.purchases)


def test_the_paid_are_enrolled_and_the_enrolled_have_paid(now: dt.datetime):
    story = tell(now)
    bought = [
        (purchase.buyer, course.slug, purchase.at, purchase.outcome == "refunded")
        for purchase in story.purchases
        if purchase.outcome in {"completed", "refunded"}
        for course in purchase.courses
    ]
    taken = [
        (a.learner, a.course.slug, a.at, a.is_revoked)
        for a in story.attendances
        if a.course.price > 0
    ]
    assert sorted(bought) == sorted(taken)


def test_nobody_takes_a_course_twice_their_own_or_an_unpublished_one():
    story = tell(MOMENTS[0])
    pairs = [(a.learner, a.course.slug) for a in story.attendances]
    assert len(set(pairs)) == len(pairs)
    own = {person.email: person.key for person in PEOPLE.instructors}
    assert not [a for a in story.attendances if a.course.instructor == own.get(a.learner)]
    assert not [a for a in story.attendances if a.course.status == "draft"]


def test_reviews_are_found_helpful_by_others_only():
    votes = [(a.learner, a.review.helpful_to) for a in tell(MOMENTS[0]).attendances if a.review]
    assert any(helpful_to for _, helpful_to in votes)
    assert not [author for author, helpful_to in votes if author in helpful_to]


def test_the_student_learned_on_each_of_the_last_days(now: dt.datetime):
    zone = ZoneInfo(PEOPLE.student.timezone)
    days = {
        moment.astimezone(zone).date()
        for attendance in tell(now).attendances
        if attendance.learner == STUDENT
        for moment in attendance.completions
    }
    today = now.astimezone(zone).date()
    assert count_streak(sorted(days)) >= 9
    assert max(days) in {today, today - dt.timedelta(days=1)}


def test_the_same_day_tells_the_same_story():
    assert tell(MOMENTS[3]) == tell(MOMENTS[3])


def test_the_shop_has_bestsellers():
    now = MOMENTS[3]
    sold: dict[str, int] = {}
    for purchase in tell(now).purchases:
        if purchase.outcome == "completed" and purchase.at > now - dt.timedelta(days=30):
            for course in purchase.courses:
                sold[course.slug] = sold.get(course.slug, 0) + 1
    assert 5 <= sum(count >= 10 for count in sold.values()) <= 20


@pytest.mark.parametrize(
    ("days", "streak"),
    [([], 0), ([1], 1), ([1, 2, 3], 3), ([1, 3, 4], 2), ([1, 2, 4], 1)],
)
def test_a_streak_ends_with_the_last_day(days: list[int], streak: int):
    assert count_streak(dt.date(2026, 5, day) for day in days) == streak


@pytest.mark.parametrize(
    ("prices", "percent", "shares"),
    [
        (["10.00"], 0, ["0.00"]),
        (["64.99"], 10, ["6.49"]),
        (["0.15", "0.15"], 10, ["0.01", "0.02"]),
        (["39.99", "44.99", "79.99"], 10, ["3.99", "4.49", "8.01"]),
    ],
)
def test_shares_of_a_discount_add_up(prices: list[str], percent: int, shares: list[str]):
    result = share_discount([Decimal(price) for price in prices], percent)
    assert result == [Decimal(share) for share in shares]
