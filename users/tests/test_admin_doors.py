"""The admin's doors are no weaker than the API's: the same count of failures, a session of a day's
work, and no change of a password that leaves others signed in."""

import datetime as dt
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.contrib.contenttypes.models import ContentType
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from core.models import OutboxEvent
from tests.factories import StaffFactory, UserFactory
from tests.factories.people import PASSWORD
from users.models import User
from users.tests.conftest import NEW_PASSWORD, is_alive, log_in

LOGIN = "/admin/login/"
INDEX = "/admin/"
OWN_PASSWORD = "/admin/password_change/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff() -> User:
    return StaffFactory.create(email="staff@example.test")


def knock(client: Client, email: str, password: str, **extra: Any) -> Any:
    return client.post(LOGIN, {"username": email, "password": password}, **extra)


def is_in(client: Client) -> bool:
    return client.get(INDEX).status_code == 200


@pytest.mark.parametrize("existing", [True, False])
def test_no_door_leads_to_objects_past_the_rights(staff: User, existing: bool) -> None:
    client = Client()
    client.force_login(staff)
    kind = ContentType.objects.get_for_model(User)
    answer = client.get(f"{INDEX}r/{kind.pk}/{staff.pk if existing else 1}/")
    assert answer.status_code == 404
    assert b"get_absolute_url" not in answer.content


def enter(person: User, password: str = PASSWORD) -> Client:
    client = Client()
    assert knock(client, person.email, password).status_code == 302
    assert is_in(client)
    return client


def events() -> int:
    return OutboxEvent.objects.filter(name="users.password_changed").count()


class TestSigningIn:
    def test_guesses_are_limited(self, staff: User, rates: dict[str, str]) -> None:
        rates["login"] = "3/hour"
        client = Client()
        for _ in range(3):
            assert knock(client, staff.email, "wrong").status_code == 200
        refused = knock(client, staff.email.upper(), PASSWORD)
        assert refused.status_code == 429
        assert 0 < int(refused["Retry-After"]) <= 3600
        assert "Too many failed attempts" in refused.content.decode()
        assert not is_in(client)
        # Another address isn't held up by it.
        assert knock(Client(), staff.email, PASSWORD, REMOTE_ADDR="198.51.100.7").status_code == 302

    @pytest.mark.parametrize("first", ["admin", "api"])
    def test_both_doors_share_the_count(
        self, staff: User, rates: dict[str, str], first: str
    ) -> None:
        rates["login"] = "3/hour"
        form, api = Client(), APIClient()
        doors: dict[str, Callable[[str], Any]] = {
            "admin": lambda password: knock(form, staff.email, password),
            "api": lambda password: api.post(
                "/api/v1/auth/login/", {"email": staff.email, "password": password}
            ),
        }
        second = "api" if first == "admin" else "admin"
        for _ in range(3):
            doors[first]("wrong")
        assert doors[second](PASSWORD).status_code == 429

    def test_a_success_forgets_failures(self, staff: User, rates: dict[str, str]) -> None:
        rates["login"] = "3/hour"
        for _ in range(2):
            for _ in range(2):
                assert knock(Client(), staff.email, "wrong").status_code == 200
            assert enter(staff)

    def test_others_are_told_the_same_as_with_a_wrong_password(self, staff: User) -> None:
        ordinary = UserFactory.create()
        gone = StaffFactory.create(is_active=False)
        texts = {
            str(knock(Client(), email, password).context["form"].non_field_errors())
            for email, password in (
                (staff.email, "wrong"), ("nobody@example.test", PASSWORD),
                (ordinary.email, PASSWORD), (gone.email, PASSWORD),
            )
        }  # fmt: skip
        assert len(texts) == 1
        assert "correct email and password" in texts.pop()

    def test_the_session_gets_a_new_key(self, staff: User) -> None:
        client = Client()
        client.get(LOGIN)
        before = client.session
        before["planted"] = "by somebody"
        before.save()
        client.cookies["sessionid"] = before.session_key or ""
        assert knock(client, staff.email, PASSWORD).status_code == 302
        assert client.session.session_key != before.session_key
        assert not type(before)(before.session_key).exists(before.session_key or "")


class TestTheSessionEnds:
    def test_after_a_working_day_used_or_not(
        self, staff: User, clock: time_machine.Traveller
    ) -> None:
        client = enter(staff)
        for _ in range(3):
            clock.shift(dt.timedelta(hours=3, minutes=50))
            assert is_in(client)
            # Whatever is stored on the way doesn't move the end.
            session = client.session
            session["last"] = "seen"
            session.save()
        clock.shift(dt.timedelta(minutes=31))
        assert not is_in(client)

    def test_at_logout(self, staff: User) -> None:
        client = enter(staff)
        kept = client.cookies["sessionid"].value
        client.post("/admin/logout/")
        client.cookies["sessionid"] = kept
        assert not is_in(client)

    def test_when_the_account_is_switched_off_or_no_longer_staff(self, staff: User) -> None:
        for field in ("is_active", "is_staff"):
            client = enter(staff)
            User.objects.filter(pk=staff.pk).update(**{field: False})
            assert not is_in(client)
            User.objects.filter(pk=staff.pk).update(**{field: True})


class TestChangingAPassword:
    def change(self, client: Client, old: str = PASSWORD, new: str = NEW_PASSWORD) -> Any:
        return client.post(
            OWN_PASSWORD, {"old_password": old, "new_password1": new, "new_password2": new}
        )

    def test_ones_own_ends_the_other_sessions_and_is_told(self, staff: User) -> None:
        here, elsewhere, api = enter(staff), enter(staff), log_in(staff)
        assert self.change(here).status_code == 302
        assert is_in(here)
        assert not is_in(elsewhere)
        assert not is_alive(api["access_token"])
        assert events() == 1
        assert log_in(staff, NEW_PASSWORD)

    def test_a_wrong_old_or_a_weak_new_one_changes_nothing(
        self, staff: User, rates: dict[str, str]
    ) -> None:
        rates["login"] = "3/hour"
        client, api = enter(staff), log_in(staff)
        weak = self.change(client, new="short").context["form"].errors
        assert set(weak) == {"new_password2"}
        for _ in range(3):
            assert set(self.change(client, old="wrong").context["form"].errors) == {"old_password"}
        refused = self.change(client).context["form"].non_field_errors()
        assert "Too many failed attempts" in refused[0]
        assert is_alive(api["access_token"])
        assert events() == 0

    def test_by_staff_for_somebody(self, staff: User) -> None:
        person = StaffFactory.create()
        theirs, api = enter(person), log_in(person)
        url = reverse("admin:auth_user_password_change", args=[person.pk])
        form = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD, "usable_password": "true",
                "set-password": "1"}  # fmt: skip
        assert enter(staff).post(url, form).status_code == 302
        assert not is_in(theirs)
        assert not is_alive(api["access_token"])
        assert events() == 1

    def test_by_staff_for_themselves_keeps_the_page(self, staff: User) -> None:
        client = enter(staff)
        url = reverse("admin:auth_user_password_change", args=[staff.pk])
        form = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD, "usable_password": "true",
                "set-password": "1"}  # fmt: skip
        assert client.post(url, form).status_code == 302
        assert is_in(client)

    def test_taken_away_by_staff(self, staff: User) -> None:
        person = UserFactory.create()
        api = log_in(person)
        url = reverse("admin:auth_user_password_change", args=[person.pk])
        client = enter(staff)
        assert client.post(url, {"usable_password": "false"}).status_code == 302
        assert is_alive(api["access_token"])
        client.post(url, {"usable_password": "false", "unset-password": "1"})
        assert not is_alive(api["access_token"])
        assert not User.objects.get(pk=person.pk).has_usable_password()

    def test_by_an_operator(self, staff: User, monkeypatch: pytest.MonkeyPatch) -> None:
        client, api = enter(staff), log_in(staff)
        typed = iter(["short", "short", NEW_PASSWORD, NEW_PASSWORD])
        monkeypatch.setattr("getpass.getpass", lambda **_: next(typed))
        out, err = StringIO(), StringIO()
        call_command("changepassword", staff.email.upper(), stdout=out, stderr=err)
        assert "is changed" in out.getvalue()
        assert "too short" in err.getvalue()
        assert not is_in(client)
        assert not is_alive(api["access_token"])
        assert events() == 1

    def test_an_operator_who_mistypes_leaves_it(
        self, staff: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        typed = iter(["one", "two"] * 3)
        monkeypatch.setattr("getpass.getpass", lambda **_: next(typed))
        with pytest.raises(CommandError, match="Left the password"):
            call_command("changepassword", staff.email, stderr=StringIO(), stdout=StringIO())
        with pytest.raises(CommandError, match="Nobody has"):
            call_command("changepassword", "nobody@example.test", stdout=StringIO())
        assert log_in(staff)
