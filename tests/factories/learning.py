"""Enrolments and reviews."""

from typing import Any

import factory
from django.utils import timezone
from factory.django import DjangoModelFactory

from enrollments.models import AccessHold, Enrollment
from reviews.models import Review
from tests.factories.catalogue import CourseFactory
from tests.factories.people import UserFactory


class EnrollmentFactory(DjangoModelFactory[Enrollment]):
    """One that isn't active is so by staff's decision."""

    class Meta:
        model = Enrollment

    user = factory.SubFactory(UserFactory)
    course = factory.SubFactory(CourseFactory)
    source = "purchase"
    enrolled_at = factory.LazyFunction(timezone.now)

    @classmethod
    def _create(cls, model_class: Any, *args: Any, **kwargs: Any) -> Any:
        made: Enrollment = super()._create(model_class, *args, **kwargs)
        if made.status != Enrollment.Status.ACTIVE:
            AccessHold.objects.create(
                enrollment=made,
                cause=AccessHold.Cause.STAFF,
                effect=made.status,
                note="Made so",
            )
        return made


class ReviewFactory(DjangoModelFactory[Review]):
    class Meta:
        model = Review

    user = factory.SubFactory(UserFactory)
    course = factory.SubFactory(CourseFactory)
    rating = 5
    title = "Good"
    comment = "I learned a lot."
