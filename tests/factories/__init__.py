"""Rows for tests, by factory-boy. Counters that services keep are not kept here."""

from tests.factories.catalogue import (
    CategoryFactory,
    CourseFactory,
    LessonFactory,
    SectionFactory,
    make_course,
)
from tests.factories.learning import EnrollmentFactory, ReviewFactory
from tests.factories.people import InstructorFactory, StaffFactory, UserFactory, sign_in
from tests.factories.purchases import CartItemFactory, OrderFactory, OrderItemFactory

__all__ = [
    "CartItemFactory",
    "CategoryFactory",
    "CourseFactory",
    "EnrollmentFactory",
    "InstructorFactory",
    "LessonFactory",
    "OrderFactory",
    "OrderItemFactory",
    "ReviewFactory",
    "SectionFactory",
    "StaffFactory",
    "UserFactory",
    "make_course",
    "sign_in",
]
