"""The dashboard (plan 4.8): shapes, what is shown, and query counts."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.utils import timezone
from rest_framework.test import APIClient

from api.v1.catalogue.serializers import CourseRowSerializer
from courses.models import Course, CourseStats, Lesson
from enrollments.models import Enrollment
from enrollments.services import mark_lesson_complete, report_watching
from tests.factories import (
    CartItemFactory,
    CategoryFactory,
    CourseFactory,
    EnrollmentFactory,
    ReviewFactory,
    UserFactory,
    make_course,
    sign_in,
)
from users.models import User, UserProfile

pytestmark = pytest.mark.django_db

STATS = "/api/v1/dashboard/stats/"
CONTINUE = "/api/v1/dashboard/continue-learning/"
RECOMMENDED = "/api/v1/dashboard/recommendations/"


def lessons_of(course: Course) -> list[Lesson]:
    rows = Lesson.objects.filter(curriculum__course=course)
    return list(rows.order_by("curriculum__order", "order"))


def learn(enrollment: Enrollment, count: int) -> None:
    for lesson in lessons_of(enrollment.course)[:count]:
        mark_lesson_complete(
            user_id=enrollment.user_id, enrollment_id=enrollment.id, lesson_id=lesson.id
        )


@pytest.mark.parametrize("path", [STATS, CONTINUE, RECOMMENDED])
def test_nobody_signed_in(path: str, api: APIClient) -> None:
    assert api.get(path).status_code == 401


class TestStats:
    def test_a_newcomer(self, django_assert_num_queries: Any) -> None:
        client = sign_in(UserFactory.create())
        with django_assert_num_queries(4):  # session, profile, enrolments, reviews
            body = client.get(STATS).json()
        assert body == {
            "courses_enrolled": 0,
            "courses_completed": 0,
            "total_hours_learned": 0,
            "current_streak_days": 0,
            "average_rating_given": None,
            "certificates_earned": 0,
        }

    @time_machine.travel("2026-03-02T12:00Z")
    def test_a_learner(self) -> None:
        user = UserFactory.create()
        learn(EnrollmentFactory.create(user=user, course=make_course(lessons=3)), 6)
        EnrollmentFactory.create(user=user, status="suspended")
        EnrollmentFactory.create(user=user, status="revoked")
        for rating in (5, 4, 5):
            ReviewFactory.create(user=user, rating=rating)
        body = sign_in(user).get(STATS).json()
        assert body == {
            "courses_enrolled": 2,
            "courses_completed": 1,
            "total_hours_learned": 1,
            "current_streak_days": 1,
            "average_rating_given": 4.7,
            "certificates_earned": 1,
        }
        assert {name: type(value) for name, value in body.items()} == {
            "courses_enrolled": int,
            "courses_completed": int,
            "total_hours_learned": int,
            "current_streak_days": int,
            "average_rating_given": float,
            "certificates_earned": int,
        }

    def test_a_streak_by_the_persons_own_days(self) -> None:
        user = UserFactory.create()
        UserProfile.objects.filter(user=user).update(timezone="America/Los_Angeles")
        enrollment = EnrollmentFactory.create(user=user, course=make_course())
        first, second, *_ = lessons_of(enrollment.course)
        # Late on the first of March there, and early on the third: a day is left out between.
        for moment, lesson in (("2026-03-02T07:30", first), ("2026-03-03T08:30", second)):
            with time_machine.travel(f"{moment}Z", tick=False):
                report_watching(
                    user_id=user.id, enrollment_id=enrollment.id, lesson_id=lesson.id,
                    watch_time_seconds=30, position_seconds=30,
                )  # fmt: skip
                streak = sign_in(user).get(STATS).json()["current_streak_days"]
        assert streak == 1
        with time_machine.travel("2026-03-03T07:59Z", tick=False):
            learn(enrollment, 1)
            assert sign_in(user).get(STATS).json()["current_streak_days"] == 3


class TestContinueLearning:
    def test_the_plans_shape(self) -> None:
        enrollment = EnrollmentFactory.create(course=make_course())
        learn(enrollment, 2)
        lesson = lessons_of(enrollment.course)[2]
        assert sign_in(enrollment.user).get(CONTINUE).json() == {
            "results": [
                {
                    "enrollment_id": str(enrollment.id),
                    "course": {
                        "id": str(enrollment.course_id),
                        "title": enrollment.course.title,
                        "slug": enrollment.course.slug,
                        "thumbnail": None,
                        "instructor": enrollment.course.instructor.full_name,
                    },
                    "progress_percent": 50,
                    "lessons_completed": 2,
                    "total_lessons": 4,
                    "current_lesson": {
                        "id": str(lesson.id), "title": lesson.title, "order": lesson.order
                    },
                }
            ]
        }  # fmt: skip

    def test_the_first_gap_is_where_to_go_on(self) -> None:
        enrollment = EnrollmentFactory.create(course=make_course())
        lessons = lessons_of(enrollment.course)
        for lesson in (lessons[0], lessons[2]):
            mark_lesson_complete(
                user_id=enrollment.user_id, enrollment_id=enrollment.id, lesson_id=lesson.id
            )
        client = sign_in(enrollment.user)
        (row,) = client.get(CONTINUE).json()["results"]
        assert row["current_lesson"]["id"] == str(lessons[1].id)
        Lesson.objects.filter(id=lessons[1].id).update(removed_at=timezone.now())
        (row,) = client.get(CONTINUE).json()["results"]
        assert row["current_lesson"]["id"] == str(lessons[3].id)
        assert row["progress_percent"] == 66

    def test_progress_of_others_does_not_matter(self) -> None:
        course = make_course()
        learn(EnrollmentFactory.create(course=course), 3)
        enrollment = EnrollmentFactory.create(course=course)
        (row,) = sign_in(enrollment.user).get(CONTINUE).json()["results"]
        assert row["current_lesson"]["id"] == str(lessons_of(course)[0].id)

    def test_what_was_touched_last_comes_first_and_what_is_closed_not_at_all(self) -> None:
        user = UserFactory.create()
        now = timezone.now()

        def enrolled(days_ago: int, **fields: Any) -> str:
            at = now - dt.timedelta(days=days_ago)
            return str(EnrollmentFactory.create(user=user, enrolled_at=at, **fields).id)

        old = enrolled(9)
        new = enrolled(1)
        touched = enrolled(8, last_activity_at=now)
        enrolled(0, status="suspended")
        enrolled(0, status="revoked")
        enrolled(0, is_completed=True, completed_at=now)
        rows = sign_in(user).get(CONTINUE).json()["results"]
        assert [row["enrollment_id"] for row in rows] == [touched, new, old]
        assert rows[0]["current_lesson"] is None

    def test_at_most_ten(self) -> None:
        user = UserFactory.create()
        EnrollmentFactory.create_batch(11, user=user)
        assert len(sign_in(user).get(CONTINUE).json()["results"]) == 10

    @pytest.mark.parametrize("size", [1, 10])
    def test_queries(self, size: int, django_assert_num_queries: Any) -> None:
        user = UserFactory.create()
        for _ in range(size):
            EnrollmentFactory.create(user=user, course=make_course(sections=1))
        client = sign_in(user)
        with django_assert_num_queries(3):  # session, enrolments, lessons
            assert len(client.get(CONTINUE).json()["results"]) == size


def popular(course: Course, students: int) -> Course:
    CourseStats.objects.filter(course=course).update(student_count=students)
    return course


@pytest.fixture
def recommended() -> Callable[[User], list[tuple[str, str]]]:
    def get(user: User) -> list[tuple[str, str]]:
        rows = sign_in(user).get(RECOMMENDED).json()["results"]
        return [(row["title"], row["reason"]) for row in rows]

    return get


Recommended = Callable[[User], list[tuple[str, str]]]


class TestRecommendations:
    def test_a_newcomer_sees_what_is_popular(self, recommended: Recommended) -> None:
        for number in (1, 3, 2):
            popular(CourseFactory.create(title=f"With {number}"), number)
        CourseFactory.create(status="draft")
        assert recommended(UserFactory.create()) == [
            ("With 3", "Popular with learners"),
            ("With 2", "Popular with learners"),
            ("With 1", "Popular with learners"),
        ]

    def test_co_learners_then_subjects_then_everybody(self, recommended: Recommended) -> None:
        user, peer = UserFactory.create(), UserFactory.create()
        shelf = CategoryFactory.create(name="Rivers")
        mine = CourseFactory.create(title="The Danube", category=shelf)
        also = CourseFactory.create(title="Boats")
        same = CourseFactory.create(title="The Nile", category=shelf)
        other = popular(CourseFactory.create(title="Cooking"), 99)
        for learner, course in ((user, mine), (peer, mine), (peer, also)):
            EnrollmentFactory.create(user=learner, course=course)
        assert recommended(user) == [
            (also.title, "Learners of “The Danube” also took this"),
            (same.title, "Popular in Rivers, which you are learning"),
            (other.title, "Popular with learners"),
        ]

    def test_more_shared_learners_come_first(self, recommended: Recommended) -> None:
        user = UserFactory.create()
        mine, once, twice = CourseFactory.create_batch(3)
        EnrollmentFactory.create(user=user, course=mine)
        for courses in ((mine, once, twice), (mine, twice)):
            peer = UserFactory.create()
            for course in courses:
                EnrollmentFactory.create(user=peer, course=course)
        assert [title for title, _ in recommended(user)][:2] == [twice.title, once.title]

    @pytest.mark.parametrize("status", ["active", "suspended"])
    def test_nothing_owned_taught_or_unpublished(
        self, status: str, recommended: Recommended
    ) -> None:
        user, peer = UserFactory.create(), UserFactory.create()
        mine = CourseFactory.create()
        EnrollmentFactory.create(user=user, course=mine, status=status)
        EnrollmentFactory.create(user=peer, course=mine)
        taught = CourseFactory.create(instructor=user)
        archived = CourseFactory.create(status="archived")
        for course in (taught, archived):
            EnrollmentFactory.create(user=peer, course=course)
        assert recommended(user) == []

    def test_a_revoked_course_may_be_recommended_again(self, recommended: Recommended) -> None:
        gone = EnrollmentFactory.create(status="revoked")
        assert recommended(gone.user) == [(gone.course.title, "Popular with learners")]

    def test_each_row_is_a_course_row_with_a_reason(self) -> None:
        user = UserFactory.create()
        item = CartItemFactory.create(cart__user=user)
        (row,) = sign_in(user).get(RECOMMENDED).json()["results"]
        assert set(row) == {*CourseRowSerializer().fields, "reason"}
        assert (row["id"], row["in_cart"], row["enrolled"]) == (str(item.course_id), True, False)
        assert row["instructor"]["id"] == str(item.course.instructor_id)
        assert isinstance(row["reason"], str)

    def test_at_most_twelve_and_none_twice(self, recommended: Recommended) -> None:
        user, peer = UserFactory.create(), UserFactory.create()
        shelf = CategoryFactory.create()
        mine = CourseFactory.create(category=shelf)
        EnrollmentFactory.create(user=user, course=mine)
        EnrollmentFactory.create(user=peer, course=mine)
        for course in CourseFactory.create_batch(20, category=shelf):
            EnrollmentFactory.create(user=peer, course=course)
        titles = [title for title, _ in recommended(user)]
        assert len(titles) == len(set(titles)) == 12

    @pytest.mark.parametrize("size", [1, 20])
    def test_queries(self, size: int, django_assert_num_queries: Any) -> None:
        user, peer = UserFactory.create(), UserFactory.create()
        for _ in range(size):
            mine = CourseFactory.create()
            EnrollmentFactory.create(user=user, course=mine)
            EnrollmentFactory.create(user=peer, course=mine)
            EnrollmentFactory.create(user=peer)
        client = sign_in(user)
        # Session; taste, also taken, its cards, subjects, popular; three flags.
        with django_assert_num_queries(7):
            client.get(RECOMMENDED)
