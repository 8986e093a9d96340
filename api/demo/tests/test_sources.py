"""The demo's files are complete, consistent and fit to be seen."""

import re
from collections import Counter
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.utils.text import slugify

from api.demo.artwork.motifs import MOTIFS
from api.demo.artwork.palettes import PALETTES
from api.demo.sources import CourseSource, read_people, read_shelves, read_student
from courses.models import RESERVED_SLUGS, Course

SHELVES = read_shelves()
COURSES = [course for shelf in SHELVES for course in shelf.courses]
PEOPLE = read_people()
FILLER = re.compile(
    r"\b(?:lorem|ipsum|todo|tbd|xxx|placeholder)\b|\bfoo\b|\bbar baz\b", re.IGNORECASE
)

each_course = pytest.mark.parametrize("course", COURSES, ids=[course.slug for course in COURSES])


def words_of(course: CourseSource) -> list[str]:
    return [
        course.title,
        course.short_description,
        course.description,
        *course.outcomes,
        *course.requirements,
        *(section.title for section in course.sections),
        *(section.description for section in course.sections),
        *(lesson.title for lesson in course.lessons),
        *(review.comment for review in course.reviews),
    ]


def test_the_catalogue_is_as_large_as_promised():
    on_sale = [course for course in COURSES if course.status == "published"]
    assert len(on_sale) >= 60
    assert len(SHELVES) >= 12
    assert min(len(shelf.courses) for shelf in SHELVES) >= 5
    assert sum(course.price == 0 for course in on_sale) >= 4
    assert sum(course.original_price is None for course in on_sale) >= 10
    assert len({course.language for course in on_sale}) >= 4
    assert {course.level for course in on_sale} == {"beginner", "intermediate", "advanced"}


def test_names_are_unique():
    assert max(Counter(course.slug for course in COURSES).values()) == 1
    assert max(Counter(course.title for course in COURSES).values()) == 1
    assert max(Counter(shelf.slug for shelf in SHELVES).values()) == 1
    assert max(Counter(person.email for person in PEOPLE.everybody).values()) == 1
    assert max(Counter(person.full_name for person in PEOPLE.everybody).values()) == 1


def test_every_category_can_be_drawn():
    assert {shelf.slug for shelf in SHELVES} == set(MOTIFS) == set(PALETTES)


@each_course
def test_a_course_can_be_addressed(course: CourseSource):
    assert course.slug == slugify(course.slug)
    assert course.slug not in RESERVED_SLUGS
    assert len(course.slug) <= 80


@each_course
def test_a_course_has_a_real_curriculum(course: CourseSource):
    assert 3 <= len(course.sections) <= 6
    assert len(course.lessons) >= 9
    assert all(3 <= len(section.lessons) <= 6 for section in course.sections)
    assert len({lesson.title for lesson in course.lessons}) == len(course.lessons)
    assert all(5 <= lesson.minutes <= 60 for lesson in course.lessons)
    assert course.lessons[0].is_preview
    assert sum(lesson.is_preview for lesson in course.lessons) <= 2
    assert any(lesson.resource for lesson in course.lessons)


@each_course
def test_a_course_tells_what_it_is(course: CourseSource):
    assert course.level in Course.Level.values
    assert course.instructor in {person.key for person in PEOPLE.instructors}
    assert 4 <= len(course.outcomes) <= 6
    assert 2 <= len(course.requirements) <= 4
    assert 40 <= len(course.short_description) <= 160
    assert len(course.description) >= 250
    assert not [text for text in words_of(course) if not text or FILLER.search(text)]


@each_course
def test_a_price_is_sane(course: CourseSource):
    assert course.price == 0 or Decimal(10) <= course.price <= Decimal(200)
    assert course.price == round(course.price, 2)
    if course.original_price is not None:
        assert course.price < course.original_price <= course.price * 2


@each_course
def test_reviews_are_peoples_words(course: CourseSource):
    if course.status == "draft":
        assert not course.reviews
        return
    assert len(course.reviews) >= 3
    assert all(1 <= review.rating <= 5 for review in course.reviews)
    assert all(20 <= len(review.comment) <= 400 for review in course.reviews)


def test_reviews_vary_and_most_are_kind():
    reviews = [review for course in COURSES for review in course.reviews]
    ratings = Counter(review.rating for review in reviews)
    assert max(Counter(review.comment for review in reviews).values()) == 1
    assert ratings[5] + ratings[4] > 0.8 * len(reviews)
    assert ratings[3] + ratings[2] + ratings[1] >= 20
    lengths = sorted(len(review.comment) for review in reviews)
    assert lengths[-1] > 4 * lengths[0]


def test_people_come_from_everywhere():
    assert len(PEOPLE.instructors) >= 14
    assert len(PEOPLE.learners) >= 40
    assert len({person.country for person in PEOPLE.learners}) >= 30
    assert all(len(person.bio) > 100 for person in PEOPLE.instructors)
    assert all(ZoneInfo(person.timezone) for person in PEOPLE.everybody)
    assert all(person.email.endswith(".test") for person in PEOPLE.everybody)


def test_the_demo_instructor_has_courses_in_every_state():
    states = Counter(
        course.status for course in COURSES if course.instructor == PEOPLE.instructors[0].key
    )
    assert states["published"] >= 3
    assert states["draft"] >= 1
    assert states["archived"] >= 1


def test_the_demo_student_refers_to_what_is_there():
    student = read_student()
    by_slug = {course.slug: course for course in COURSES}
    paid = {
        slug for order in student.orders if order.outcome == "completed" for slug in order.courses
    }
    taken = {course.course for course in student.courses}
    assert {slug for slug in taken if by_slug[slug].price > 0} == paid
    pending = {
        slug for order in student.orders if order.outcome == "pending" for slug in order.courses
    }
    assert pending == set(student.cart)
    for slug in (*student.cart, *student.wishlist):
        assert by_slug[slug].status == "published"
        assert slug not in taken
