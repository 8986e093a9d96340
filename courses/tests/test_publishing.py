"""A course's way into the catalogue and out of it, its totals, and the counts of the shelves."""

import datetime as dt
import threading
import uuid

import pytest
import time_machine
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core import jobs
from core.models import AuditEntry
from courses import selectors, services
from courses.errors import CourseHasBuyers, CourseIncomplete, CourseNotFound
from courses.models import Category, Course, CourseStats, Curriculum, Lesson
from courses.services import recount
from courses.tasks import recount_stats, refresh_search
from tests.factories import (
    CategoryFactory,
    CourseFactory,
    EnrollmentFactory,
    OrderItemFactory,
    StaffFactory,
    make_course,
)
from tests.parallel import Beside, at_once, meet, run_in_parallel


def count_of(category):
    return Category.objects.get(id=category.id).course_count


@pytest.mark.django_db
def test_publishing_puts_a_course_on_sale():
    course = make_course(status="draft", published_at=None, title="Sitar for Beginners")
    staff, bystander = StaffFactory.create(), CourseFactory.create(status="draft")
    services.publish_course(course_id=course.id, actor_id=staff.id)
    course.refresh_from_db()
    assert course.is_published
    assert course.published_at is not None
    assert count_of(course.category) == 1
    assert selectors.find_courses(text="sitar", limit=9).ids == [course.id]
    entry = AuditEntry.objects.get()
    assert (entry.actor_id, entry.details) == (staff.id, {"from": "draft", "to": "published"})
    bystander.refresh_from_db()
    assert bystander.status == "draft"


@pytest.mark.django_db
def test_publishing_again_changes_nothing():
    course = make_course()
    services.publish_course(course_id=course.id, actor_id=None)
    assert not AuditEntry.objects.exists()


@pytest.mark.django_db
def test_publishing_names_what_is_missing():
    course = CourseFactory.create(status="draft", title=" ", description="", category=None)
    with pytest.raises(CourseIncomplete) as caught:
        services.publish_course(course_id=course.id, actor_id=None)
    assert set(caught.value.details) == {"title", "description", "category", "lessons"}
    course.refresh_from_db()
    assert course.status == "draft"


@pytest.mark.django_db
def test_a_removed_lesson_is_none():
    course = make_course(status="draft", sections=1, lessons=1)
    Lesson.objects.update(removed_at=timezone.now())
    with pytest.raises(CourseIncomplete):
        services.publish_course(course_id=course.id, actor_id=None)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("move", "status"),
    [(services.unpublish_course, "draft"), (services.archive_course, "archived")],
)
def test_taking_off_sale_and_back(move, status):
    course = make_course()
    first = course.published_at
    services.recount_categories()
    for _ in range(2):
        move(course_id=course.id, actor_id=None)
    course.refresh_from_db()
    assert (course.status, course.is_published, count_of(course.category)) == (status, False, 0)
    services.publish_course(course_id=course.id, actor_id=None)
    course.refresh_from_db()
    assert (course.published_at, count_of(course.category)) == (first, 1)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "move",
    [services.publish_course, services.unpublish_course, services.archive_course,
     services.delete_course],
)  # fmt: skip
def test_unknown_courses_are_refused(move):
    with pytest.raises(CourseNotFound):
        move(course_id=uuid.uuid4(), actor_id=None)


@pytest.mark.django_db
@pytest.mark.parametrize("factory", [EnrollmentFactory, OrderItemFactory])
def test_a_course_with_buyers_is_never_deleted(factory):
    course = make_course()
    factory.create(course=course)
    with pytest.raises(CourseHasBuyers):
        services.delete_course(course_id=course.id, actor_id=None)
    assert Course.objects.filter(id=course.id).exists()
    assert Lesson.objects.count() == 4


@pytest.mark.django_db
def test_a_course_without_buyers_goes_with_all_it_has():
    course, other = make_course(), make_course()
    services.recount_categories()
    services.delete_course(course_id=course.id, actor_id=None)
    assert list(Course.objects.all()) == [other]
    assert (count_of(course.category), count_of(other.category)) == (0, 1)
    assert Lesson.objects.count() == 4


@pytest.mark.django_db
def test_an_edit_is_settled():
    old, new = CategoryFactory.create_batch(2)
    course = make_course(category=old, stats=None)
    services.recount_categories()
    Course.objects.filter(id=course.id).update(category=new, title="Harpsichord")
    section = Curriculum.objects.get(course=course, order=1)
    section.lessons.filter(order=1).update(duration_minutes=95)
    section.lessons.filter(order=2).update(removed_at=timezone.now())
    empty = Curriculum.objects.create(course=course, title="Later", order=9, total_lessons=4)
    services.settle_edit(course_id=course.id, previous_category_id=old.id)
    section.refresh_from_db()
    empty.refresh_from_db()
    before = course.last_updated
    course.refresh_from_db()
    assert (section.total_lessons, section.total_duration_minutes) == (1, 95)
    assert (empty.total_lessons, empty.total_duration_minutes) == (0, 0)
    assert course.duration_minutes == 115
    assert course.last_updated > before
    assert (count_of(old), count_of(new)) == (0, 1)
    assert CourseStats.objects.filter(course=course).exists()
    assert selectors.find_courses(text="harpsichord", limit=1).count


@pytest.mark.django_db
def test_a_renamed_category_is_found():
    category = CategoryFactory.create()
    CourseFactory.create(category=category)
    Category.objects.filter(id=category.id).update(name="Xylophones")
    services.rename_category(category_id=category.id)
    assert selectors.find_courses(text="xylophones", limit=1).count == 1


@pytest.mark.django_db
def test_the_nightly_task_repairs_everything_within_a_week():
    courses = [enrollment.course for enrollment in EnrollmentFactory.create_batch(20)]
    before = dt.datetime(2026, 12, 31, 3, 10, tzinfo=dt.UTC)
    found = []
    for day in range(1, 15):
        with time_machine.travel(before + dt.timedelta(days=day), tick=False):
            found.append(recount_stats())
        assert count_of(courses[0].category) == 1
    assert sum(found[:7]) == 20
    assert sum(found[7:]) == 0
    assert set(CourseStats.objects.values_list("student_count", flat=True)) == {1}


@pytest.mark.django_db(transaction=True)
def test_a_night_that_is_done_after_midnight_goes_through_its_own_part(monkeypatch):
    parts = []

    def note(*, part):
        parts.append(part)
        return []

    monkeypatch.setattr(services, "recount_stats", note)
    night = dt.datetime(2027, 1, 1, 3, 10, tzinfo=dt.UTC)
    for later in (dt.timedelta(hours=21), dt.timedelta(days=1)):
        with time_machine.travel(night + later, tick=False):
            assert jobs.run_if_due(name="recount-stats")
    assert parts == [night.toordinal(), night.toordinal() + 1]


@pytest.mark.django_db
def test_a_night_goes_through_the_facts_of_its_part_alone():
    courses = [CourseFactory.create(id=uuid.UUID(int=number)) for number in range(1, 15)]
    for course in courses:
        EnrollmentFactory.create(course=course)
        OrderItemFactory.create(
            course=course, state="fulfilled",
            order__status="completed", order__completed_at=timezone.now(),
        )  # fmt: skip
    drift = services.recount_stats(part=9)
    assert [row.course_id for row in drift] == [courses[1].id, courses[8].id]
    counted = CourseStats.objects.filter(student_count=1).values_list("course_id", flat=True)
    assert set(counted) == {row.course_id for row in drift}
    assert CourseStats.objects.filter(sales_30_days=1).count() == 14


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("students", "ratings", "parts"), [(0, 0, 7), (40, 30, 7), (40, 31, 14), (281, 0, 56)]
)
def test_a_night_goes_through_no_more_facts_the_longer_the_history(
    students, ratings, parts, monkeypatch
):
    monkeypatch.setattr(recount, "FACTS_A_NIGHT", 10)
    CourseStats.objects.filter(course=CourseFactory.create()).update(
        student_count=students, rating_count=ratings, rating_5=ratings, rating_sum=5 * ratings
    )
    assert recount.count_parts() == parts


@pytest.mark.django_db
def test_all_have_their_turn_when_there_are_more_parts(monkeypatch):
    monkeypatch.setattr(recount, "FACTS_A_NIGHT", 2)
    courses = [CourseFactory.create(id=uuid.UUID(int=number)) for number in range(1, 15)]
    CourseStats.objects.update(student_count=2)
    found = [
        {row.course_id for row in services.recount_stats(part=night)} for night in range(14, 28)
    ]
    assert found[0] == {courses[13].id}
    assert sum(len(night) for night in found) == 14
    assert set().union(*found) == {course.id for course in courses}


@pytest.mark.django_db
def test_windows_are_counted_of_many_courses_at_a_time(monkeypatch):
    monkeypatch.setattr(recount, "BATCH", 2)
    monkeypatch.setattr(recount, "WINDOW_BATCH", 4)
    for _ in range(9):
        OrderItemFactory.create(
            state="fulfilled", order__status="completed", order__completed_at=timezone.now()
        )
    with CaptureQueriesContext(connection) as queries:
        assert services.recount_stats(part=1) == []
    windows = [query for query in queries if "completed_at" in query["sql"]]
    assert len(windows) == 3
    assert set(CourseStats.objects.values_list("sales_30_days", flat=True)) == {1}


@pytest.mark.django_db
def test_the_hourly_task_repairs_search():
    CourseFactory.create(title="Ocarina")
    assert (refresh_search(), refresh_search()) == (1, 0)
    assert selectors.find_courses(text="ocarina", limit=1).count == 1


@pytest.mark.django_db
def test_a_missing_row_of_counters_is_made_by_the_recount():
    course = CourseFactory.create(stats=None)
    assert services.recount_stats() == []
    assert CourseStats.objects.filter(course=course).exists()


@pytest.mark.django_db
def test_sales_move_with_the_calendar_and_are_no_drift():
    item = OrderItemFactory.create(
        state="fulfilled", order__status="completed", order__completed_at=timezone.now()
    )
    assert services.recount_stats() == []
    assert CourseStats.objects.get(course=item.course).sales_30_days == 1


@pytest.mark.django_db(transaction=True)
def test_courses_published_at_once_are_both_counted():
    category = CategoryFactory.create()
    courses = [make_course(status="draft", category=category) for _ in range(4)]

    def publish(n):
        return services.publish_course(course_id=courses[n].id, actor_id=None)

    assert run_in_parallel(4, publish) == [None] * 4
    assert count_of(category) == 4


@pytest.mark.django_db(transaction=True)
def test_a_change_waits_for_a_recount_that_is_under_way(monkeypatch):
    course = CourseFactory.create()
    CourseStats.objects.filter(course=course).update(student_count=5)
    counted = threading.Event()

    def count_and_meet(course_ids):
        counted.set()
        meet()
        return {key: {"student_count": 0} for key in course_ids}

    slow = recount.Counter(fields=("student_count",), count=count_and_meet, is_window=False)
    monkeypatch.setattr(recount, "_counters", {"students": slow})

    def enroll():
        assert counted.wait(60)
        with transaction.atomic():
            EnrollmentFactory.create(course=course)
            services.change_student_counts(changes={course.id: 1})

    drift, changed = at_once(services.recount_stats, enroll)
    assert [row.counted for row in drift] == [0]
    assert changed is None
    assert CourseStats.objects.get(course=course).student_count == 1


@pytest.mark.django_db(transaction=True)
def test_a_price_stands_still_while_an_order_is_made():
    course = CourseFactory.create()

    def look_and_hold():
        with transaction.atomic():
            return selectors.lock_courses_for_sale(course_ids=[course.id])[course.id].price

    with transaction.atomic():
        before = look_and_hold()
        another_buyer = Beside(look_and_hold)
        author = Beside(lambda: Course.objects.filter(id=course.id).update(price=1))
        after = selectors.get_course_for_sale(course_id=course.id).price
    assert before == after == another_buyer.result() == course.price
    assert not another_buyer.had_to_wait
    assert author.had_to_wait
    assert author.result() == 1
