"""Decides what happened before the day of loading: who learned what, wrote what, bought what.

Pure: it knows the sources and a moment, no database. Everything is relative to that moment, and
apart from it the same sources always tell the same story.
"""

import datetime as dt
from dataclasses import dataclass, field, replace
from random import Random
from typing import Literal
from zoneinfo import ZoneInfo

from api.demo.sources import (
    CourseSource,
    PeopleSource,
    PersonSource,
    ReviewSource,
    ShelfSource,
    StudentCourse,
    StudentSource,
)

Outcome = Literal["completed", "refunded", "failed", "pending"]

# The share of the learners that a course of popularity 100 attracts, and how many come at least.
REACH = 0.5
FEWEST_LEARNERS = 3
FAVOURITE_SHELVES = 4
# From this popularity on, most who come came lately: so that the shop has its bestsellers.
TRENDING = 55
LATELY = dt.timedelta(days=28)
WELCOME_COUPON = "WELCOME10"
COUPON_PERCENT = 10


@dataclass(slots=True)
class PlannedReview:
    """A rating, perhaps with words, and when and by how many it was found helpful."""

    source: ReviewSource
    at: dt.datetime
    helpful_to: tuple[str, ...] = ()


@dataclass(slots=True)
class Attendance:
    """One person in one course. `completions` are the moments of its first lessons, in order."""

    learner: str
    course: CourseSource
    at: dt.datetime
    completions: tuple[dt.datetime, ...] = ()
    review: PlannedReview | None = None
    is_revoked: bool = False

    @property
    def is_completed(self) -> bool:
        """Whether every lesson is done."""
        return len(self.completions) == len(self.course.lessons)

    @property
    def last_activity(self) -> dt.datetime:
        """The last lesson's moment, or that of the enrolment."""
        return self.completions[-1] if self.completions else self.at


@dataclass(slots=True)
class Purchase:
    """An order: what was in it, when, and how it ended."""

    buyer: str
    at: dt.datetime
    courses: list[CourseSource]
    outcome: Outcome
    coupon: str | None = None


@dataclass(slots=True)
class Story:
    """All that happened, each list in the order of time."""

    attendances: list[Attendance] = field(default_factory=list)
    purchases: list[Purchase] = field(default_factory=list)
    joined: dict[str, dt.datetime] = field(default_factory=dict)


def tell_story(
    *, shelves: tuple[ShelfSource, ...], people: PeopleSource, student: StudentSource,
    now: dt.datetime,
) -> Story:  # fmt: skip
    """Return what happened up to `now` (an aware UTC moment)."""
    story = Story(joined=_join_dates(people, now))
    favourites = {
        person.email: _seeded(person.email, "shelves").sample(
            [shelf.slug for shelf in shelves], FAVOURITE_SHELVES
        )
        for person in people.learners
    }
    for shelf in shelves:
        fans = [person for person in people.learners if shelf.slug in favourites[person.email]]
        for course in shelf.courses:
            if course.status != "draft":
                story.attendances += _attend(course, people.learners, fans, story.joined, now)
    story.attendances += _attend_colleagues(shelves, people, now)
    _mark_refunds(story.attendances, now)
    story.purchases = _buy(story.attendances, people, now)
    _add_student(story, shelves, people.student, student, now)
    _vote(story.attendances, people)
    story.attendances.sort(key=lambda attendance: attendance.at)
    story.purchases.sort(key=lambda purchase: purchase.at)
    return story


def _seeded(*names: str) -> Random:
    """Return a generator of its own for each matter, so that one more course changes no other."""
    return Random("/".join(names))  # noqa: S311 (a story, not a secret)


def _join_dates(people: PeopleSource, now: dt.datetime) -> dict[str, dt.datetime]:
    joined = {
        person.email: now - dt.timedelta(days=_seeded(person.email, "joined").uniform(80, 720))
        for person in people.learners
    }
    for person in (*people.instructors, people.staff):
        joined[person.email] = now - dt.timedelta(days=1250)
    joined[people.student.email] = now - dt.timedelta(days=230)
    return joined


def _attend(
    course: CourseSource, learners: tuple[PersonSource, ...], fans: list[PersonSource],
    joined: dict[str, dt.datetime], now: dt.datetime,
) -> list[Attendance]:  # fmt: skip
    random = _seeded(course.slug, "learners")
    wanted = max(
        round(course.popularity / 100 * REACH * len(learners)),
        len(course.reviews) + 1,
        FEWEST_LEARNERS,
    )
    others = [person for person in learners if person not in fans]
    queue = random.sample(fans, len(fans)) + random.sample(others, len(others))
    chosen = queue[:wanted]
    random.shuffle(chosen)
    published = now - dt.timedelta(days=course.age_days)
    attendances = []
    for index, person in enumerate(chosen):
        words = course.reviews[index] if index < len(course.reviews) else None
        start = max(published, joined[person.email])
        attendances.append(_attendance(course, person, words, start, now))
    return attendances


def _attendance(
    course: CourseSource, person: PersonSource, words: ReviewSource | None, start: dt.datetime,
    now: dt.datetime,
) -> Attendance:  # fmt: skip
    random = _seeded(course.slug, person.email)
    window = now - start
    if not words and course.popularity >= TRENDING and random.random() < 0.6:
        window = min(window, LATELY)
    share = random.uniform(0.25, 0.95) if words else max(0.004, random.random() ** 1.5)
    attendance = Attendance(learner=person.email, course=course, at=now - window * share)
    done = _lessons_done(random, attendance, words, now)
    attendance.completions = _spread(random, attendance.at, done, now)
    attendance.review = _review(random, attendance, words, now)
    return attendance


def _lessons_done(
    random: Random, attendance: Attendance, words: ReviewSource | None, now: dt.datetime
) -> int:
    total = len(attendance.course.lessons)
    days = (now - attendance.at).days
    if words and words.rating >= 4:
        share = 1.0 if random.random() < 0.12 and days > 10 else random.uniform(0.4, 0.95)
    elif words:
        share = random.uniform(0.15, 0.6)
    elif random.random() < 0.02 and days > 20:
        share = 1.0
    else:
        share = random.choice([0.0, random.uniform(0, 0.4), random.uniform(0.1, 0.9)])
    return min(int(total * share), total, 2 + days * 2)


def _spread(
    random: Random, start: dt.datetime, done: int, now: dt.datetime
) -> tuple[dt.datetime, ...]:
    """Return `done` rising moments between the start and now, at an ordinary person's pace."""
    end = min(now - dt.timedelta(minutes=30), start + dt.timedelta(days=done * 2.5 + 1))
    span = max(end - start, dt.timedelta(minutes=1))
    return tuple(sorted(start + span * random.uniform(0.02, 1) for _ in range(done)))


def _review(
    random: Random, attendance: Attendance, words: ReviewSource | None, now: dt.datetime
) -> PlannedReview | None:
    if words is None:
        if not attendance.completions or random.random() > 0.45:
            return None
        rating = random.choices([5, 4, 3, 2, 1], [58, 29, 8, 3, 2])[0]
        words = ReviewSource(rating=rating, title="", comment="")
    since = now - attendance.last_activity
    return PlannedReview(source=words, at=now - since * random.uniform(0.2, 0.97))


def _attend_colleagues(
    shelves: tuple[ShelfSource, ...], people: PeopleSource, now: dt.datetime
) -> list[Attendance]:
    """Those with the other demo logins learn as well: their own dashboards aren't empty."""
    attendances = []
    popular = sorted(
        (course for shelf in shelves for course in shelf.courses if course.status == "published"),
        key=lambda course: (-course.popularity, course.slug),
    )
    for person in (people.instructors[0], people.staff):
        foreign = [course for course in popular if course.instructor != person.key]
        for course in _seeded(person.email, "courses").sample(foreign[:20], 4):
            start = now - dt.timedelta(days=course.age_days)
            attendances.append(_attendance(course, person, None, start, now))
    return attendances


def _mark_refunds(attendances: list[Attendance], now: dt.datetime) -> None:
    """Let a few who hardly began have their money back."""
    for attendance in attendances:
        random = _seeded(attendance.course.slug, attendance.learner, "refund")
        old_enough = attendance.at < now - dt.timedelta(days=5)
        began = len(attendance.completions) > 2
        paid = attendance.course.price > 0 and attendance.review is None
        if paid and old_enough and not began and random.random() < 0.09:
            attendance.is_revoked = True


def _buy(attendances: list[Attendance], people: PeopleSource, now: dt.datetime) -> list[Purchase]:
    """Return the orders behind the paid enrolments, and some that came to nothing."""
    purchases: list[Purchase] = []
    for person in people.everybody:
        random = _seeded(person.email, "orders")
        paid = [a for a in attendances if a.learner == person.email and a.course.price > 0]
        mine = _group(random, sorted(paid, key=lambda attendance: attendance.at), now)
        if mine and mine[0].outcome == "completed" and random.random() < 0.3:
            mine[0].coupon = WELCOME_COUPON
        declined = [purchase for purchase in mine if random.random() < 0.05]
        purchases += mine + [
            replace(
                purchase,
                at=purchase.at - dt.timedelta(minutes=random.randint(30, 3000)),
                outcome="failed",
                coupon=None,
            )
            for purchase in declined
        ]
    return purchases


def _group(random: Random, mine: list[Attendance], now: dt.datetime) -> list[Purchase]:
    """Return one person's orders: courses taken within days of each other are often one order."""
    purchases: list[Purchase] = []
    for attendance in mine:
        if purchases and _joins(random, purchases[-1], attendance, now):
            # The later enrolment moves to the common moment; its lessons came after that anyway.
            attendance.at = purchases[-1].at
            purchases[-1].courses.append(attendance.course)
        else:
            outcome: Outcome = "refunded" if attendance.is_revoked else "completed"
            purchases.append(
                Purchase(attendance.learner, attendance.at, [attendance.course], outcome)
            )
    return purchases


def _joins(random: Random, last: Purchase, attendance: Attendance, now: dt.datetime) -> bool:
    """Whether a paid course was bought together with the one before it."""
    on_sale = last.at > now - dt.timedelta(days=attendance.course.age_days)
    near = attendance.at - last.at < dt.timedelta(days=12)
    plain = last.outcome == "completed" and not attendance.is_revoked
    return plain and near and on_sale and len(last.courses) < 3 and random.random() < 0.6


def _add_student(
    story: Story, shelves: tuple[ShelfSource, ...], person: PersonSource, student: StudentSource,
    now: dt.datetime,
) -> None:  # fmt: skip
    courses = {course.slug: course for shelf in shelves for course in shelf.courses}
    for order in student.orders:
        chosen = [courses[slug] for slug in order.courses]
        at = now - dt.timedelta(days=order.days_ago)
        story.purchases.append(Purchase(person.email, at, chosen, order.outcome, order.coupon))
        if order.outcome == "refunded":
            story.attendances += [
                Attendance(person.email, course, at, is_revoked=True) for course in chosen
            ]
    for taken in student.courses:
        story.attendances.append(_attend_as_student(taken, courses[taken.course], person, now))


def _attend_as_student(
    taken: StudentCourse, course: CourseSource, person: PersonSource, now: dt.datetime
) -> Attendance:
    done = len(course.lessons) if taken.lessons is None else taken.lessons
    start = now - dt.timedelta(days=taken.enrolled_days_ago)
    end = now - dt.timedelta(days=taken.last_days_ago)
    step = (end - start) / max(done, 1)
    completions = tuple(start + step * (number + 1) for number in range(done))
    if taken.daily:
        # A step of a day on the person's own clock is the same streak in every week of the year.
        local = now.astimezone(ZoneInfo(person.timezone)) - dt.timedelta(minutes=25)
        completions = tuple(
            (local - dt.timedelta(days=back)).astimezone(dt.UTC) for back in range(done - 1, -1, -1)
        )
    attendance = Attendance(person.email, course, start, completions)
    if taken.review:
        attendance.review = PlannedReview(taken.review, end + dt.timedelta(days=1))
    return attendance


def _vote(attendances: list[Attendance], people: PeopleSource) -> None:
    """Let others find written reviews helpful: the longer the words, the more of them."""
    voters = [person.email for person in (*people.learners, people.student)]
    for attendance in attendances:
        review = attendance.review
        if review is None or not review.source.comment:
            continue
        random = _seeded(attendance.course.slug, attendance.learner, "helpful")
        others = [email for email in voters if email != attendance.learner]
        most = min(2 + len(review.source.comment) // 16, 18)
        attendance.review = replace(
            review, helpful_to=tuple(random.sample(others, random.randint(0, most)))
        )
