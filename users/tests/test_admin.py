"""The admin: staff works with people, and tokens die with what it does."""

from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from core.models import AuditEntry
from tests.admin_browser import AdminBrowser
from tests.factories import StaffFactory, UserFactory
from users.models import Session, User, UserProfile
from users.tests.conftest import NEW_PASSWORD, is_alive, log_in

LIST = reverse("admin:users_user_changelist")

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff() -> User:
    return StaffFactory.create(email="staff@example.test")


@pytest.fixture
def helper() -> User:
    """Staff that may change people and is no superuser."""
    person = StaffFactory.create(is_superuser=False)
    for codename in ("view_user", "change_user", "view_session"):
        permission = Permission.objects.get(content_type__app_label="users", codename=codename)
        person.user_permissions.add(permission)
    return person


def admin_of(person: User) -> Client:
    client = AdminBrowser()
    client.force_login(person)
    return client


def change_url(person: User) -> str:
    return reverse("admin:users_user_change", args=[person.pk])


def form_of(client: Client, person: User) -> dict[str, Any]:
    """Return what a browser would send back unchanged."""
    response = client.get(change_url(person))
    assert response.status_code == 200
    form = response.context["adminform"].form
    data = {
        name: form.get_initial_for_field(field, name)
        for name, field in form.fields.items()
        if name not in {"groups", "user_permissions", "password", "as_read"}
    }
    data = {name: value for name, value in data.items() if value not in {None, False}}
    if moment := data.pop("email_verified_at", None):
        data["email_verified_at_0"], data["email_verified_at_1"] = (
            moment.date(), moment.time().replace(microsecond=0),
        )  # fmt: skip
    profile = person.profile
    return {
        **data,
        "profile-TOTAL_FORMS": 1, "profile-INITIAL_FORMS": 1, "profile-0-id": profile.pk,
        "profile-0-user": person.pk, "profile-0-country": profile.country,
        "profile-0-timezone": profile.timezone,
    }  # fmt: skip


def act(client: Client, action: str, *people: User, url: str = LIST) -> None:
    keys = [str(person.pk) for person in people]
    response = client.post(url, {"action": action, "_selected_action": keys})
    assert response.status_code == 302


@pytest.mark.parametrize("needle", [
    "ada@example.test", "ADA@exam", "Augus", "love", "LOVELACE", "{id}", " lovelace ",
])  # fmt: skip
def test_people_are_found(staff: User, needle: str) -> None:
    ada = UserFactory.create(
        email="ada@example.test", first_name="Augusta", last_name="Lovelace", is_active=False
    )
    UserFactory.create(email="bob@example.test", first_name="Bob", last_name="Clove")
    client = admin_of(staff)
    for query in ({}, {"is_active__exact": "0"}):
        page = client.get(LIST, {"q": needle.format(id=ada.id), **query})
        assert list(page.context["cl"].result_list) == [ada]
    assert not client.get(LIST, {"q": needle, "is_staff__exact": "1"}).context["cl"].result_count


@pytest.mark.parametrize("needle", ["lo", "example", "ovelace", str(UUID(int=1))])
def test_parts_and_strangers_find_nobody(staff: User, needle: str) -> None:
    UserFactory.create(email="ada@example.test", first_name="Ada", last_name="Lovelace")
    assert not admin_of(staff).get(LIST, {"q": needle}).context["cl"].result_count


def test_list_has_a_fixed_number_of_queries(
    staff: User, django_assert_max_num_queries: Any
) -> None:
    client = admin_of(staff)
    for _ in range(2):
        with django_assert_max_num_queries(10):
            assert client.get(LIST, {"q": "person"}).status_code == 200
        for _ in range(19):
            UserFactory.create()


def test_adding_makes_a_profile_and_lowers_the_email(staff: User) -> None:
    response = admin_of(staff).post(
        reverse("admin:users_user_add"),
        {
            "email": "New.Person@Example.test", "first_name": "New", "last_name": "Person",
            "usable_password": "true", "password1": NEW_PASSWORD, "password2": NEW_PASSWORD,
        },
    )  # fmt: skip
    assert response.status_code == 302, response.context["adminform"].form.errors
    person = User.objects.get(email="new.person@example.test")
    assert UserProfile.objects.filter(user=person).count() == 1
    assert log_in(person, NEW_PASSWORD)


def test_unchanged_save_changes_nothing(staff: User) -> None:
    person = UserFactory.create(email_verified_at=None)
    body = log_in(person)
    client = admin_of(staff)
    response = client.post(change_url(person), form_of(client, person))
    assert response.status_code == 302, response.context["adminform"].form.errors
    assert is_alive(body["access_token"])
    assert not AuditEntry.objects.exists()


def test_unticking_active_ends_tokens_for_good(staff: User) -> None:
    person = UserFactory.create()
    body = log_in(person)
    client = admin_of(staff)
    form = form_of(client, person)
    form.pop("is_active")
    assert client.post(change_url(person), form).status_code == 302
    assert not User.objects.get(pk=person.pk).is_active
    assert not is_alive(body["access_token"])
    entry = AuditEntry.objects.get()
    assert (entry.actor_id, entry.action) == (staff.pk, "user.deactivated")
    assert entry.target_id == str(person.pk)
    assert client.post(change_url(person), {**form, "is_active": "on"}).status_code == 302
    assert User.objects.get(pk=person.pk).is_active
    assert not is_alive(body["access_token"])


def test_setting_a_password_ends_sessions(staff: User) -> None:
    person = UserFactory.create()
    body = log_in(person)
    url = reverse("admin:auth_user_password_change", args=[person.pk])
    response = admin_of(staff).post(
        url,
        {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD, "usable_password": "true",
         "set-password": "1"},
    )  # fmt: skip
    assert response.status_code == 302, response.context["form"].errors
    assert not is_alive(body["access_token"])
    assert log_in(person, NEW_PASSWORD)
    entry = AuditEntry.objects.get()
    assert (entry.actor_id, entry.action) == (staff.pk, "user.password_set")


def test_actions(staff: User) -> None:
    person, other = UserFactory.create(), UserFactory.create()
    client = admin_of(staff)
    body, untouched = log_in(person), log_in(other)
    act(client, "end_sessions", person)
    assert not is_alive(body["access_token"])
    body = log_in(person)
    act(client, "deactivate", person, staff)
    assert not is_alive(body["access_token"])
    staff.refresh_from_db()
    assert staff.is_active
    act(client, "activate", person)
    assert log_in(person)
    assert is_alive(untouched["access_token"])


def test_sessions_can_be_ended_and_nothing_else(staff: User) -> None:
    body = log_in(UserFactory.create())
    session = Session.objects.get()
    client = admin_of(staff)
    url = reverse("admin:users_session_changelist")
    assert client.get(url, {"q": session.user.email}).status_code == 200
    change = reverse("admin:users_session_change", args=[session.pk])
    assert client.get(change).status_code == 200
    assert client.post(change, {}).status_code == 403
    assert client.get(reverse("admin:users_session_add")).status_code == 403
    assert str(session.refresh_jti) not in client.get(change).content.decode()
    response = client.post(url, {"action": "end", "_selected_action": [str(session.pk)]})
    assert response.status_code == 302
    assert not is_alive(body["access_token"])
    session.refresh_from_db()
    assert session.end_reason == Session.EndReason.STAFF


def test_nobody_is_deleted(staff: User) -> None:
    person = UserFactory.create()
    client = admin_of(staff)
    url = reverse("admin:users_user_delete", args=[person.pk])
    assert client.post(url, {"post": "yes"}).status_code == 403
    client.post(LIST, {"action": "delete_selected", "_selected_action": [str(person.pk)]})
    assert User.objects.filter(pk=person.pk).exists()


class TestWithoutBeingSuperuser:
    def test_rights_cant_be_taken(self, helper: User) -> None:
        client = admin_of(helper)
        form = form_of(client, helper)
        response = client.post(change_url(helper), {**form, "is_superuser": "on"})
        assert response.status_code == 302, response.context["adminform"].form.errors
        helper.refresh_from_db()
        assert not helper.is_superuser

    def test_other_staff_is_out_of_reach(self, helper: User, staff: User) -> None:
        body = log_in(staff)
        client = admin_of(helper)
        password = reverse("admin:auth_user_password_change", args=[staff.pk])
        taken = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD, "set-password": "1"}
        assert client.post(password, taken).status_code == 403
        assert client.post(change_url(staff), {"email": "evil@example.test"}).status_code == 403
        act(client, "deactivate", staff)
        act(client, "end_sessions", staff)
        staff.refresh_from_db()
        assert staff.is_active
        assert staff.email == "staff@example.test"
        assert is_alive(body["access_token"])

    def test_ordinary_people_are_not(self, helper: User) -> None:
        person = UserFactory.create()
        body = log_in(person)
        act(admin_of(helper), "deactivate", person)
        assert not is_alive(body["access_token"])

    def test_sessions_of_other_staff_neither(self, helper: User, staff: User) -> None:
        body = log_in(staff)
        session = Session.objects.get()
        url = reverse("admin:users_session_changelist")
        admin_of(helper).post(url, {"action": "end", "_selected_action": [str(session.pk)]})
        assert is_alive(body["access_token"])
