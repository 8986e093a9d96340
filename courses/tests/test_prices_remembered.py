"""What a course cost and since when is remembered by the database, whoever sets the price."""

import importlib
from decimal import Decimal
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction

from courses.histories import InstructorChange, PriceChange
from courses.models import Course
from tests.emptying import unguarded
from tests.factories import CourseFactory
from tests.factories.people import InstructorFactory

pytestmark = pytest.mark.django_db


def prices_of(course: Course) -> list[Decimal]:
    """What it cost, in the order of time."""
    changes = PriceChange.objects.filter(course=course).order_by("changed_at", "id")
    return list(changes.values_list("price", flat=True))


def make_course() -> Course:
    return CourseFactory.create(price=Decimal("10.00"), original_price=None)


def test_each_price_that_is_set_is_remembered() -> None:
    course = make_course()
    for price in ("20.00", "0.00", "0.00", "20.00"):
        Course.objects.filter(id=course.id).update(price=price)
    assert prices_of(course) == [Decimal(price) for price in ("10.00", "20.00", "0.00", "20.00")]


def test_nothing_else_is_a_change_of_price() -> None:
    course = make_course()
    course.title = "Another"
    course.save()
    assert prices_of(course) == [Decimal("10.00")]


def test_what_it_cost_is_never_changed() -> None:
    course = make_course()
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        PriceChange.objects.update(price=0)
    assert prices_of(course) == [Decimal("10.00")]


@pytest.mark.parametrize("table", ["courses_pricechange", "courses_instructorchange"])
@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO {0} SELECT (jsonb_populate_record(known, jsonb_build_object("
        "'id', -1, 'changed_at', '2020-01-01'))).* FROM {0} known",
        "UPDATE {0} SET changed_at = '2020-01-01'",
        "DELETE FROM {0}; SET CONSTRAINTS ALL IMMEDIATE",
    ],
    ids=["dated back", "changed", "deleted"],
)
def test_only_a_course_itself_writes_its_past(table: str, statement: str) -> None:
    make_course()
    with (
        pytest.raises(DatabaseError, match=r"remember|never changed"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement.format(table))


def test_who_taught_it_is_remembered() -> None:
    course, other = make_course(), InstructorFactory.create()
    first = course.instructor_id
    Course.objects.filter(id=course.id).update(instructor=other)
    Course.objects.filter(id=course.id).update(title="Another")
    changes = InstructorChange.objects.filter(course=course).order_by("changed_at", "id")
    assert list(changes.values_list("instructor_id", flat=True)) == [first, other.id]


def test_who_teaches_courses_of_before_by_now_is_remembered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    courses = [make_course() for _ in range(3)]
    migration = importlib.import_module("courses.migrations.0012_histories_are_the_databases")
    monkeypatch.setattr(migration, "AT_ONCE", 2)
    with unguarded():
        InstructorChange.objects.exclude(course=courses[0]).delete()
        for _ in range(2):
            migration.remember_instructors(apps, SimpleNamespace(connection=connection))
    known = InstructorChange.objects.values_list("course_id", "instructor_id")
    assert sorted(known) == sorted((course.id, course.instructor_id) for course in courses)


def test_a_course_that_may_go_takes_its_prices_with_it() -> None:
    make_course().delete()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert not PriceChange.objects.exists()
    assert not InstructorChange.objects.exists()


def test_what_courses_of_before_cost_by_now_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    courses = [make_course() for _ in range(3)]
    migration = importlib.import_module("courses.migrations.0010_prices_by_now")
    monkeypatch.setattr(migration, "AT_ONCE", 2)
    with unguarded():
        PriceChange.objects.exclude(course=courses[0]).delete()
        for _ in range(2):
            migration.remember_prices(apps, SimpleNamespace(connection=connection))
    assert [prices_of(course) for course in courses] == [[Decimal("10.00")]] * 3
