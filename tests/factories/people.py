"""People."""

import datetime as dt

import factory
from django.utils import timezone
from factory.django import DjangoModelFactory
from rest_framework.test import APIClient

from users.models import Session, User, UserProfile
from users.tokens import issue_tokens

PASSWORD = "correct-horse-battery"


class ProfileFactory(DjangoModelFactory[UserProfile]):
    class Meta:
        model = UserProfile

    timezone = "UTC"


class UserFactory(DjangoModelFactory[User]):
    class Meta:
        model = User
        skip_postgeneration_save = True

    email = factory.Sequence(lambda n: f"person{n}@example.test")
    first_name = "Ada"
    last_name = factory.Sequence(lambda n: f"Learner{n}")
    password = factory.django.Password(PASSWORD)
    email_verified_at = factory.LazyFunction(timezone.now)
    profile = factory.RelatedFactory(ProfileFactory, factory_related_name="user")


class InstructorFactory(UserFactory):
    is_instructor = True
    last_name = factory.Sequence(lambda n: f"Teacher{n}")


class StaffFactory(UserFactory):
    is_staff = True
    is_superuser = True


def open_test_session(user: User) -> Session:
    """Return a live session of the person, as a login would open it."""
    now = timezone.now()
    return Session.objects.create(
        user=user, rotated_at=now, last_used_at=now, expires_at=now + dt.timedelta(days=7)
    )


def sign_in(user: User) -> APIClient:
    """Return an API client that sends this person's access token."""
    client = APIClient()
    tokens = issue_tokens(session=open_test_session(user))
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens.access}")
    return client
