"""What a course cost and since when is remembered by the database, whoever sets the price."""

import importlib
from decimal import Decimal
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction

from courses.models import Course, PriceChange
from tests.factories import CourseFactory

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


def test_a_course_that_may_go_takes_its_prices_with_it() -> None:
    make_course().delete()
    assert not PriceChange.objects.exists()


def test_what_courses_of_before_cost_by_now_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    courses = [make_course() for _ in range(3)]
    PriceChange.objects.exclude(course=courses[0]).delete()
    migration = importlib.import_module("courses.migrations.0010_prices_by_now")
    monkeypatch.setattr(migration, "AT_ONCE", 2)
    for _ in range(2):
        migration.remember_prices(apps, SimpleNamespace(connection=connection))
    assert [prices_of(course) for course in courses] == [[Decimal("10.00")]] * 3
