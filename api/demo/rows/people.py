"""Writes the demo's people and their profiles."""

import datetime as dt
from collections.abc import Mapping

from django.contrib.auth.hashers import make_password

from api.demo.rows.inserting import insert_dated
from api.demo.sources import PeopleSource, PersonSource
from users.models import User, UserProfile

DEMO_PASSWORD = "learnflow-demo-2026"  # noqa: S105 (public: the contract prints it)


def create_people(
    *, people: PeopleSource, joined: Mapping[str, dt.datetime], pictures: Mapping[str, str]
) -> dict[str, User]:
    """Create everybody and return them by e-mail.

    Only the three demo logins have a password. `pictures` are storage names by e-mail.
    """
    users = {
        person.email: _user(people, person, joined[person.email]) for person in people.everybody
    }
    insert_dated(User, list(users.values()))
    profiles = [
        _profile(person, users[person.email], pictures.get(person.email, ""))
        for person in people.everybody
    ]
    insert_dated(UserProfile, profiles)
    return users


def _user(people: PeopleSource, person: PersonSource, joined: dt.datetime) -> User:
    is_staff = person == people.staff
    user = User(
        email=person.email,
        first_name=person.first_name,
        last_name=person.last_name,
        is_staff=is_staff,
        is_superuser=is_staff,
        is_instructor=person in people.instructors,
        email_verified_at=joined,
        created_at=joined,
        updated_at=joined,
    )
    if person in {people.student, people.staff, people.instructors[0]}:
        user.password = make_password(DEMO_PASSWORD)
    else:
        user.set_unusable_password()
    return user


def _profile(person: PersonSource, user: User, picture: str) -> UserProfile:
    return UserProfile(
        user=user,
        bio=person.bio,
        profile_picture=picture,
        country=person.country,
        timezone=person.timezone,
        created_at=user.created_at,
        updated_at=user.created_at,
    )
