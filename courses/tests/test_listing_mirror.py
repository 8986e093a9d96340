"""What lists filter and order by, beside the counters: always what the course says."""

import datetime as dt
import random
from decimal import Decimal

import pytest
from django.core.cache import cache
from django.db import connection
from django.utils import timezone

from courses import services
from courses.cache import GENERATION_KEY
from courses.models import Course, CourseStats
from courses.services import StatsDrift
from courses.tasks import recount_stats
from tests.admin_browser import AdminBrowser
from tests.factories import CategoryFactory, CourseFactory, InstructorFactory, StaffFactory

pytestmark = pytest.mark.django_db


def assert_in_step():
    rows = {row.course_id: row for row in CourseStats.objects.all()}
    courses = list(Course.objects.all())
    assert set(rows) == {course.id for course in courses}
    for course in courses:
        stats = rows[course.id]
        assert stats.is_listed == course.is_published
        for name in CourseStats.LISTED[1:]:
            assert getattr(stats, name) == getattr(course, name), name


def draw_fields(dice, categories):
    status = dice.choice(Course.Status.values)
    price = Decimal(dice.randrange(0, 5000)) / 100
    every = {
        "status": status,
        "published_at": timezone.now() - dt.timedelta(days=dice.randrange(99)),
        "price": price,
        "original_price": None,
        "level": dice.choice(Course.Level.values),
        "language": dice.choice(["English", "Deutsch"]),
        "duration_minutes": dice.randrange(900),
        "category_id": dice.choice([None, *(category.id for category in categories)]),
        "is_featured": dice.random() < 0.5,
        "title": f"Title {dice.random()}",
    }
    chosen = dice.sample(sorted(every), dice.randrange(1, len(every)))
    fields = {name: every[name] for name in chosen}
    if "status" in fields:
        fields["published_at"] = every["published_at"]
    return fields


@pytest.mark.parametrize("seed", range(3))
def test_any_write_of_a_course_is_followed(seed):
    dice = random.Random(seed)
    categories = CategoryFactory.create_batch(3)
    instructor = InstructorFactory.create()
    CourseFactory.create_batch(5, instructor=instructor, original_price=None)
    for number in range(40):
        fields = draw_fields(dice, categories)
        courses = list(Course.objects.order_by("?")[: dice.randrange(1, 4)])
        match dice.randrange(5):
            case 0:
                for name, value in fields.items():
                    setattr(courses[0], name, value)
                courses[0].save()
            case 1:
                Course.objects.filter(id__in=[course.id for course in courses]).update(**fields)
            case 2:
                for course in courses:
                    course.price = Decimal(number)
                    course.original_price = None
                Course.objects.bulk_update(courses, ["price", "original_price"])
            case 3:
                Course.objects.bulk_create(
                    Course(title="New", slug=f"new-{seed}-{number}-{n}", instructor=instructor,
                           **{name: value for name, value in fields.items() if name != "title"})
                    for n in range(2)
                )  # fmt: skip
            case 4 if Course.objects.count() > 3:
                courses[0].delete()
        assert_in_step()


def test_the_admins_save_is_followed():
    client = AdminBrowser()
    course = CourseFactory.create(original_price=None)
    client.force_login(StaffFactory.create(is_superuser=True))
    form = {
        "title": course.title, "slug": course.slug, "description": "d", "short_description": "",
        "category": str(course.category_id), "instructor": str(course.instructor_id),
        "level": "advanced", "language": "Deutsch", "price": "12.34", "is_featured": "on",
        "outcomes": "[]", "requirements": "[]", "preview_video_url": "",
        "curriculum-TOTAL_FORMS": "0", "curriculum-INITIAL_FORMS": "0",
        "stats-TOTAL_FORMS": "0", "stats-INITIAL_FORMS": "0",
        "submissions-TOTAL_FORMS": "0", "submissions-INITIAL_FORMS": "0",
    }  # fmt: skip
    response = client.post(f"/admin/courses/course/{course.id}/change/", form)
    assert response.status_code == 302, response.content
    assert CourseStats.objects.get(course=course).price == Decimal("12.34")
    assert_in_step()


def test_nobody_can_bring_the_copies_out_of_step():
    course = CourseFactory.create(price=10)
    stale = CourseStats.objects.get(course=course)
    Course.objects.filter(id=course.id).update(price=20, status="draft")
    stale.student_count = 7
    stale.save()
    assert_in_step()
    CourseStats.objects.filter(course=course).update(price=1, is_listed=True)
    assert_in_step()
    assert CourseStats.objects.get(course=course).student_count == 7


def test_edits_of_other_fields_leave_the_counters_row_alone(django_assert_num_queries):
    course = CourseFactory.create()

    def version():
        with connection.cursor() as cursor:
            cursor.execute("SELECT ctid FROM courses_coursestats WHERE course_id = %s", [course.id])
            return cursor.fetchone()

    before = version()
    Course.objects.filter(id=course.id).update(title="Other", description="Other", price=49.99)
    assert version() == before
    Course.objects.filter(id=course.id).update(price=48)
    assert version() != before


def write_past_the_triggers(table, write):
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        write()
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def test_rows_loaded_without_triggers_are_brought_into_step():
    CourseFactory.create_batch(2)

    def load():
        Course.objects.update(price=3)
        CourseFactory.create(stats=None)

    write_past_the_triggers("courses_course", load)
    with pytest.raises(AssertionError):
        assert_in_step()
    with connection.cursor() as cursor:
        cursor.execute("SELECT courses_sync_listing()")
    assert_in_step()


def test_the_nightly_task_finds_and_reports_what_lists_read_otherwise(
    caplog, django_capture_on_commit_callbacks
):
    course, _ = CourseFactory.create_batch(2, price=10, original_price=None)
    before = generation_now()

    def drift():
        CourseStats.objects.filter(course=course).update(price=1, category=None, student_count=0)

    write_past_the_triggers("courses_coursestats", drift)
    with django_capture_on_commit_callbacks(execute=True):
        assert recount_stats() == 2
    assert_in_step()
    assert [record.getMessage() for record in caplog.records] == [
        f"course {course.id}: listed with category_id None, is {course.category_id}",
        f"course {course.id}: listed with price 1.00, is 10.00",
    ]
    assert generation_now() != before
    with django_capture_on_commit_callbacks() as callbacks:
        assert recount_stats() == 0
    assert not callbacks


def generation_now():
    return cache.get(GENERATION_KEY)


def test_a_drift_is_named_field_by_field():
    course = CourseFactory.create(language="Deutsch")
    write_past_the_triggers(
        "courses_course", lambda: Course.objects.update(status="draft", language="English")
    )
    assert services.sync_listing() == [
        StatsDrift(course_id=course.id, field="is_listed", stored=True, counted=False),
        StatsDrift(course_id=course.id, field="language", stored="Deutsch", counted="English"),
    ]
    assert services.sync_listing() == []
