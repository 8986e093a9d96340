"""The doors other apps call: courses for sale, cards, curriculum, counters."""

import uuid

import pytest
from django.db import transaction
from django.db.transaction import TransactionManagementError
from django.utils import timezone

from courses import selectors, services
from courses.errors import CourseNotFound, LessonNotFound
from courses.models import CourseStats, Lesson
from tests.factories import CourseFactory, make_course

pytestmark = pytest.mark.django_db


def test_a_published_course_is_for_sale():
    course = CourseFactory.create(thumbnail="course_thumbnails/a.webp")
    found = selectors.get_course_for_sale(course_id=course.id)
    assert found == selectors.CourseForSale(
        id=course.id,
        title=course.title,
        slug=course.slug,
        price=course.price,
        original_price=course.original_price,
        instructor_id=course.instructor_id,
        category_id=course.category_id,
        thumbnail="course_thumbnails/a.webp",
        is_on_sale=True,
    )


@pytest.mark.parametrize("status", ["draft", "in_review", "archived"])
def test_an_unpublished_course_is_known_but_not_for_sale(status):
    course = CourseFactory.create(status=status)
    with pytest.raises(CourseNotFound):
        selectors.get_course_for_sale(course_id=course.id)
    found = selectors.get_courses_for_sale(course_ids=[course.id, uuid.uuid4()])
    assert {key: value.is_on_sale for key, value in found.items()} == {course.id: False}


def test_locking_needs_a_transaction_and_returns_the_same(transactional_db):
    course = CourseFactory.create()
    with pytest.raises(TransactionManagementError):
        selectors.lock_courses_for_sale(course_ids=[course.id])
    with transaction.atomic():
        locked = selectors.lock_courses_for_sale(course_ids={course.id})
    assert locked == selectors.get_courses_for_sale(course_ids=[course.id])


def test_nothing_is_asked_for_nothing(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert selectors.get_courses_for_sale(course_ids=[]) == {}
        assert selectors.list_cards(course_ids=set()) == {}


@pytest.mark.parametrize("number", [1, 20])
def test_cards_cost_one_query(number, django_assert_num_queries):
    ids = [course.id for course in CourseFactory.create_batch(number)]
    with django_assert_num_queries(1):
        cards = selectors.list_cards(course_ids=ids)
    assert set(cards) == set(ids)


@pytest.mark.parametrize("size", [1, 10])
def test_a_curriculum_costs_two_queries_and_is_in_order(size, django_assert_num_queries):
    course = make_course(sections=size, lessons=size)
    with django_assert_num_queries(2):
        sections = selectors.get_curriculum(course_id=course.id)
    assert [section.order for section in sections] == list(range(1, size + 1))
    for section in sections:
        assert [lesson.order for lesson in section.lessons] == list(range(1, size + 1))
        assert (section.total_lessons, section.total_duration_minutes) == (size, 10 * size)


def test_removed_lessons_are_gone_from_the_course_but_still_known():
    course = make_course(sections=1, lessons=3)
    gone = Lesson.objects.get(curriculum__course=course, order=2)
    Lesson.objects.filter(id=gone.id).update(removed_at=timezone.now())
    (section,) = selectors.get_curriculum(course_id=course.id)
    assert [lesson.order for lesson in section.lessons] == [1, 3]
    assert (section.total_lessons, section.total_duration_minutes) == (2, 20)
    assert selectors.count_live_lessons(course_id=course.id) == 2
    assert selectors.live_lesson_ids(course_id=course.id) == [row.id for row in section.lessons]
    facts = selectors.get_lesson_facts(lesson_id=gone.id)
    assert (facts.is_live, facts.course_id, facts.instructor_id, facts.course_status) == (
        False, course.id, course.instructor_id, "published",
    )  # fmt: skip


def test_lessons_are_learned_section_by_section():
    course = make_course(sections=3, lessons=2)
    ordered = [row.id for section in selectors.get_curriculum(course_id=course.id)
               for row in section.lessons]  # fmt: skip
    assert selectors.live_lesson_ids(course_id=course.id) == ordered


def test_an_unknown_lesson_is_refused():
    with pytest.raises(LessonNotFound):
        selectors.get_lesson_facts(lesson_id=uuid.uuid4())


def test_students_are_counted_never_below_zero():
    course, other = CourseFactory.create_batch(2)
    services.change_student_counts(changes={course.id: 2})
    services.change_student_counts(changes={course.id: -1})
    assert CourseStats.objects.get(course=course).student_count == 1
    services.change_student_counts(changes={course.id: -5})
    assert CourseStats.objects.get(course=course).student_count == 0
    assert CourseStats.objects.get(course=other).student_count == 0


def test_a_course_without_counters_gets_them():
    course = CourseFactory.create(stats=None)
    services.change_student_counts(changes={course.id: 1})
    assert CourseStats.objects.get(course=course).student_count == 1


def test_drifted_counters_never_stop_a_review():
    course = CourseFactory.create()
    gone = services.RatingFact(stars=4, has_text=True)
    services.change_rating(course_id=course.id, removed=gone, added=None)
    stats = CourseStats.objects.get(course=course)
    assert (stats.rating_count, stats.rating_sum, stats.review_count) == (0, 0, 0)


def test_ratings_move_every_sum():
    course = CourseFactory.create()
    low = services.RatingFact(stars=2, has_text=True)
    high = services.RatingFact(stars=5, has_text=False)
    services.change_rating(course_id=course.id, removed=None, added=low)
    services.change_rating(course_id=course.id, removed=None, added=high)
    stats = CourseStats.objects.get(course=course)
    assert (stats.rating_count, stats.rating_sum, stats.review_count) == (2, 7, 1)
    assert (stats.rating_2, stats.rating_5, float(stats.rating)) == (1, 1, 3.5)
    services.change_rating(course_id=course.id, removed=low, added=high)
    services.change_rating(course_id=course.id, removed=high, added=None)
    stats.refresh_from_db()
    assert (stats.rating_count, stats.rating_sum, stats.review_count) == (1, 5, 0)
    assert (stats.rating_2, stats.rating_5, float(stats.rating)) == (0, 1, 5.0)
