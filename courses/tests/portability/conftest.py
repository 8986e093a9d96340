"""Who imports and exports."""

import pytest
from rest_framework.test import APIClient

from courses.authors import Author
from tests.factories import (
    InstructorFactory,
)
from tests.factories.people import sign_in
from users.models import User


@pytest.fixture
def teacher() -> User:
    return InstructorFactory.create()


@pytest.fixture
def author(teacher: User) -> Author:
    return Author(id=teacher.id, is_instructor=True)


@pytest.fixture
def client(teacher: User) -> APIClient:
    return sign_in(teacher)
