"""Related courses: which, in what order, why, and by how many queries."""

import random
from collections import Counter

import pytest

from courses.models import Course, CourseStats
from enrollments.models import Enrollment
from tests.factories import (
    CartItemFactory,
    CategoryFactory,
    CourseFactory,
    EnrollmentFactory,
    StaffFactory,
    UserFactory,
    sign_in,
)

pytestmark = pytest.mark.django_db

LIST = "/api/v1/courses/"
WHY = ("shared_learners", "same_category", "reason")


def related(client, course):
    response = client.get(f"{LIST}related/{course.id}/")
    assert response.status_code == 200, response.content
    return response.json()["results"]


def reasons(client, course):
    return {row["title"]: tuple(row[name] for name in WHY) for row in related(client, course)}


def enrol(number, *courses, **fields):
    for person in UserFactory.create_batch(number):
        for course in courses:
            EnrollmentFactory.create(user=person, course=course, **fields)


def test_they_share_learners_or_the_shelf_and_say_so(api):
    shelf = CategoryFactory.create(name="Plucked")
    course = CourseFactory.create(title="Lute", category=shelf)
    other_shelf = CourseFactory.create(title="Oud")
    same_shelf = CourseFactory.create(title="Theorbo", category=shelf)
    CourseFactory.create(title="Viol", category=shelf)
    CourseFactory.create(title="Kites")
    enrol(2, course, other_shelf)
    enrol(1, course, same_shelf)
    also_took = "Learners of “Lute” also took this"
    assert [row["title"] for row in related(api, course)] == ["Oud", "Theorbo", "Viol"]
    assert reasons(api, course) == {
        "Oud": (2, False, also_took),
        "Theorbo": (1, True, also_took),
        "Viol": (0, True, "Popular in Plucked"),
    }


def test_only_learners_of_today_and_courses_on_sale_count(api):
    course, hidden = CourseFactory.create(), CourseFactory.create(status="archived")
    left = CourseFactory.create()
    enrol(2, course, hidden)
    enrol(2, course, left, status="revoked")
    CourseFactory.create(category=course.category, status="draft")
    assert related(api, course) == []


def test_a_course_without_category_has_learners_all_the_same(api):
    course, shared = CourseFactory.create(category=None), CourseFactory.create(category=None)
    CourseFactory.create(category=None)
    enrol(1, course, shared)
    ((learners, same_category, _),) = reasons(api, course).values()
    assert (learners, same_category) == (1, False)


@pytest.mark.parametrize("number", [0, 1, 20])
def test_one_query_whatever_there_is(api, django_assert_num_queries, number):
    course = CourseFactory.create()
    enrol(number, course, *CourseFactory.create_batch(min(number, 3)))
    CourseFactory.create_batch(number, category=course.category)
    for reference in (course.id, course.slug):
        with django_assert_num_queries(1):
            rows = api.get(f"{LIST}related/{reference}/").json()["results"]
        assert len(rows) == min(8, 2 * number)
    # The session, the courses, the flags.
    client = sign_in(UserFactory.create())
    with django_assert_num_queries(3 if number else 2):
        related(client, course)


def test_for_its_own_people_an_unpublished_course_costs_one_query_more(django_assert_num_queries):
    course = CourseFactory.create(status="draft")
    learner = EnrollmentFactory.create(course=course).user
    for person, queries in ((learner, 3), (course.instructor, 2), (StaffFactory.create(), 2)):
        client = sign_in(person)
        with django_assert_num_queries(queries):
            assert related(client, course) == []


def test_rows_are_those_of_the_list_and_flags_the_viewers(api):
    course = CourseFactory.create()
    other = CourseFactory.create(category=course.category)
    person = UserFactory.create()
    CartItemFactory.create(course=other, cart__user=person)
    for client in (api, sign_in(person)):
        (row,) = related(client, course)
        listed = {row["id"]: row for row in client.get(LIST).json()["results"]}
        assert {key: value for key, value in row.items() if key not in WHY} == listed[str(other.id)]
        assert row["in_cart"] is (client is not api)


@pytest.mark.parametrize("seed", range(3))
def test_the_statement_answers_what_counting_one_by_one_does(api, seed):
    dice = random.Random(seed)
    shelves = [course.category for course in CourseFactory.create_batch(2)]
    courses = CourseFactory.create_batch(14)
    for course in courses:
        status = dice.choice(["published", "published", "draft"])
        Course.objects.filter(id=course.id).update(category=dice.choice(shelves), status=status)
        CourseStats.objects.filter(course=course).update(student_count=dice.randrange(5))
    for person in UserFactory.create_batch(8):
        for course in dice.sample(courses, dice.randrange(1, 6)):
            status = dice.choice(["active", "active", "active", "suspended"])
            EnrollmentFactory.create(user=person, course=course, status=status)
    for course in Course.objects.filter(status="published"):
        found = [(row["id"], row["shared_learners"]) for row in related(api, course)]
        assert found == counted(course)


def counted(course):
    """The same, the slow way."""
    active = Enrollment.objects.filter(status="active")
    people = active.filter(course=course).values_list("user", flat=True)
    shared = Counter(active.filter(user__in=list(people)).values_list("course", flat=True))
    rows = Course.objects.filter(status="published").exclude(id=course.id).select_related("stats")

    def rank(row):
        return (shared[row.id], row.stats.student_count, row.id)

    first = sorted((row for row in rows if shared[row.id]), key=rank, reverse=True)
    rest = [row for row in rows if row.category_id == course.category_id and not shared[row.id]]
    found = [*first, *sorted(rest, key=rank, reverse=True)][:8]
    return [(str(row.id), shared[row.id]) for row in found]
