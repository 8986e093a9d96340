"""Enrolments and reviews."""

import factory
from django.utils import timezone
from factory.django import DjangoModelFactory

from enrollments.models import Enrollment
from reviews.models import Review
from tests.factories.catalogue import CourseFactory
from tests.factories.people import UserFactory


class EnrollmentFactory(DjangoModelFactory[Enrollment]):
    class Meta:
        model = Enrollment

    user = factory.SubFactory(UserFactory)
    course = factory.SubFactory(CourseFactory)
    source = "purchase"
    enrolled_at = factory.LazyFunction(timezone.now)


class ReviewFactory(DjangoModelFactory[Review]):
    class Meta:
        model = Review

    user = factory.SubFactory(UserFactory)
    course = factory.SubFactory(CourseFactory)
    rating = 5
    title = "Good"
    comment = "I learned a lot."
