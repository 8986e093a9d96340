"""Fixtures of authoring."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from courses.authors import Author, author_from
from courses.models import Course, Curriculum, Lesson
from tests.factories import InstructorFactory, StaffFactory, UserFactory, make_course, sign_in
from users.models import User


@pytest.fixture
def teacher(db: None) -> User:
    """An instructor."""
    return InstructorFactory.create()


@pytest.fixture
def author(teacher: User) -> Author:
    """The instructor, to the services."""
    return author_of(teacher)


@pytest.fixture
def client(teacher: User) -> APIClient:
    """The instructor, over the API."""
    return sign_in(teacher)


@pytest.fixture
def course(teacher: User) -> Course:
    """A published course of the instructor's: two sections with two lessons of ten minutes."""
    return make_course(instructor=teacher, title="Rivers", slug="rivers")


@pytest.fixture
def draft(teacher: User) -> Course:
    """The same as a draft that was never on sale."""
    return make_course(
        instructor=teacher, title="Lakes", slug="lakes", status="draft", published_at=None
    )


@pytest.fixture
def people(teacher: User) -> dict[str, APIClient]:
    """Clients of all kinds of people, by kind; "owner" is the instructor."""
    return {
        "anonymous": APIClient(),
        "student": sign_in(UserFactory.create()),
        "other": sign_in(InstructorFactory.create()),
        "owner": sign_in(teacher),
        "staff": sign_in(StaffFactory.create()),
    }


def author_of(user: User) -> Author:
    """Return the person as the services take them."""
    return author_from(user)


def sections_of(course: Course) -> list[Curriculum]:
    """Return the course's sections in order."""
    return list(Curriculum.objects.filter(course=course).order_by("order"))


def lessons_of(section: Curriculum) -> list[Lesson]:
    """Return the section's live lessons in order."""
    return list(Lesson.objects.filter(curriculum=section, removed_at=None).order_by("order"))


def error_of(response: Any) -> tuple[int, str]:
    """Return status and code of an answer in the error shape."""
    body = response.json()["error"]
    assert body["status"] == response.status_code
    return response.status_code, body["code"]


def statements_of(call: Callable[[], object]) -> list[str]:
    """Return the SQL statements of a call."""
    with CaptureQueriesContext(connection) as captured:
        call()
    return [query["sql"] for query in captured]
