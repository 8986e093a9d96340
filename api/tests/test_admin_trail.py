"""Whatever staff write in the admin is in the audit trail: who, what, from where, before and
after."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.db import DatabaseError, transaction
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.test import Client
from django.urls import reverse

from api.tests.office import Rows, furnish
from core.audit import Snapshot, snapshot
from core.models import AuditEntry
from courses.models import Category, Lesson
from reviews.models import Review
from tests.admin_browser import AdminBrowser
from tests.factories import StaffFactory, UserFactory, make_course
from tests.factories.people import PASSWORD
from users.models import Session, User
from users.tests.conftest import NEW_PASSWORD

pytestmark = pytest.mark.django_db

OURS = sorted(admin.site._registry.values(), key=lambda one: one.opts.label)


@pytest.fixture
def boss() -> User:
    return StaffFactory.create()


@pytest.fixture
def staff(boss: User) -> Client:
    client = AdminBrowser(REMOTE_ADDR="198.51.100.9")
    client.force_login(boss)
    return client


def changes_of(action: str, boss: User) -> Any:
    entry = AuditEntry.objects.get(action=action)
    assert entry.actor_id == boss.pk
    assert entry.address == "198.51.100.9"
    assert len(entry.request_id) > 8
    return entry.details["changes"]


class TestForms:
    def test_added_changed_and_deleted(self, staff: Client, boss: User) -> None:
        form = {"name": "Lutes", "slug": "lutes", "icon": "Music", "position": 0, "description": ""}
        staff.post("/admin/courses/category/add/", form)
        row = Category.objects.get()
        added = changes_of("category.added", boss)[f"category:{row.id}"]
        assert added["name"] == [None, "Lutes"]
        path = f"/admin/courses/category/{row.id}/"
        staff.post(f"{path}change/", {**form, "name": "Theorbos"})
        assert changes_of("category.changed", boss) == {
            f"category:{row.id}": {"name": ["Lutes", "Theorbos"]}
        }
        staff.post(f"{path}delete/", {"post": "yes"})
        gone = changes_of("category.deleted", boss)[f"category:{row.id}"]
        assert gone["name"] == ["Theorbos", None]

    def test_rows_below(self, staff: Client, boss: User) -> None:
        course = make_course(sections=1, lessons=2, status="draft", published_at=None)
        section = course.curriculum.get()
        kept, gone = section.lessons.order_by("order")
        form = {
            "title": section.title, "order": 1, "description": "", "lessons-TOTAL_FORMS": 3,
            "lessons-INITIAL_FORMS": 2, "lessons-0-id": kept.id, "lessons-0-title": "Strings",
            "lessons-0-curriculum": section.id, "lessons-0-order": 1,
            "lessons-0-duration_minutes": 10, "lessons-0-video_url": kept.video_url,
            "lessons-0-is_preview": "on",
            "lessons-0-resources": '[{"title": "Slides", "url": "https://files.example.test/slides.pdf"}]',
            "lessons-1-id": gone.id, "lessons-1-title": gone.title, "lessons-1-order": 2,
            "lessons-1-curriculum": section.id, "lessons-1-duration_minutes": 10,
            "lessons-1-resources": "[]", "lessons-1-DELETE": "on", "lessons-2-title": "Bows",
            "lessons-2-order": 3, "lessons-2-duration_minutes": 5, "lessons-2-resources": "[]",
        }  # fmt: skip
        page = staff.post(f"/admin/courses/curriculum/{section.id}/change/", form)
        assert page.status_code == 302, page.context["errors"]
        changes = changes_of("curriculum.changed", boss)
        new = Lesson.objects.get(title="Bows")
        assert changes[f"lesson:{kept.id}"] == {"title": [kept.title, "Strings"]}
        assert changes[f"lesson:{gone.id}"]["title"] == [gone.title, None]
        assert changes[f"lesson:{new.id}"]["title"] == [None, "Bows"]

    def test_what_goes_with_a_deleted_row(self, staff: Client, boss: User) -> None:
        course = make_course(sections=1, lessons=1, status="draft", published_at=None)
        section = course.curriculum.get()
        lesson = section.lessons.get()
        staff.post(f"/admin/courses/curriculum/{section.id}/delete/", {"post": "yes"})
        gone = changes_of("curriculum.deleted", boss)
        assert gone[f"curriculum:{section.id}"]["title"] == [section.title, None]
        assert gone[f"lesson:{lesson.id}"]["title"] == [lesson.title, None]
        other = make_course(sections=1, lessons=1, status="draft", published_at=None)
        lesson = Lesson.objects.get(curriculum__course=other)
        staff.post(f"/admin/courses/course/{other.id}/delete/", {"post": "yes"})
        entries = AuditEntry.objects.filter(target_id=str(other.id))
        assert any(
            f"lesson:{lesson.id}" in (entry.details.get("changes") or {}) for entry in entries
        )

    def test_rights_handed_out(self, staff: Client, boss: User) -> None:
        clerks, right = Group.objects.create(name="Clerks"), Permission.objects.all()[0]
        form = {"name": "Clerks", "permissions": [right.pk]}
        staff.post(f"/admin/auth/group/{clerks.pk}/change/", form)
        assert changes_of("group.changed", boss) == {
            f"group:{clerks.pk}": {"permissions": [[], [right.pk]]}
        }

    def test_passwords_are_told_of_and_not_told(self, boss: User) -> None:
        person, client = UserFactory.create(), Client()
        client.post("/admin/login/", {"username": boss.email, "password": PASSWORD})
        url = reverse("admin:auth_user_password_change", args=[person.pk])
        words = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD, "usable_password": "true"}
        client.post(url, {**words, "set-password": "1"})
        own = {"old_password": PASSWORD, "new_password1": NEW_PASSWORD}
        client.post("/admin/password_change/", {**own, "new_password2": NEW_PASSWORD})
        entries = AuditEntry.objects.order_by("created_at", "id")
        assert [(entry.action, entry.target_id) for entry in entries] == [
            ("user.password_set", str(person.pk)), ("user.password_changed", str(boss.pk)),
        ]  # fmt: skip
        assert NEW_PASSWORD not in str(list(entries.values()))


class TestActions:
    def test_deleting_many(self, staff: Client, boss: User) -> None:
        review = furnish()[Review]
        chosen = {"action": "delete_selected", "post": "yes", "_selected_action": [str(review.pk)]}
        staff.post("/admin/reviews/review/", chosen)
        assert not Review.objects.exists()
        gone = changes_of("review.deleted", boss)[f"review:{review.pk}"]
        assert gone["comment"] == [review.comment, None]

    def test_every_action_that_changes_anything_is_recorded(self, boss: User) -> None:
        """Each action of each table, on a row of its own; some find nothing to do."""
        rows, acted = furnish(), []
        request = HttpRequest()
        request.user = boss
        for model_admin in OURS:
            for name in model_admin.get_actions(request):
                with transaction.atomic():
                    if self.acts(model_admin, name, rows, boss):
                        acted.append(f"{model_admin.opts.model_name}.{name}")
                    transaction.set_rollback(True)
        assert len(acted) >= 14, acted
        assert {"outboxdelivery.resend", "stripeevent.resend", "email.resend", "session.end",
                "coupon.deactivate"} <= set(acted)  # fmt: skip

    def test_no_action_does_what_cannot_be_recorded(
        self, boss: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """An entry is of the transaction of its deed: where it can't be added, nothing is done."""

        def fail(*args: object, **kwargs: object) -> None:
            raise DatabaseError("the trail is full")

        rows = furnish()
        request = HttpRequest()
        request.user = boss
        client = AdminBrowser()
        client.force_login(boss)
        client.raise_request_exception = False
        monkeypatch.setattr(AuditEntry.objects, "create", fail)
        before = look(rows)
        for model_admin in OURS:
            for name in model_admin.get_actions(request):
                self.act(client, model_admin, name, rows)
                assert look(rows) == before, (model_admin, name)

    def act(self, client: Client, model_admin: Any, name: str, rows: Rows) -> Any:
        url = reverse(
            f"admin:{model_admin.opts.app_label}_{model_admin.opts.model_name}_changelist"
        )
        chosen = {"action": name, "_selected_action": [str(rows[model_admin.model].pk)]}
        return client.post(url, {**chosen, "post": "yes", "confirmed": "yes", "reason": "So"})

    def acts(self, model_admin: Any, name: str, rows: Rows, boss: User) -> bool:
        client = AdminBrowser(REMOTE_ADDR="198.51.100.9")
        client.force_login(boss)
        entries = AuditEntry.objects.filter(actor_id=boss.pk, address="198.51.100.9")
        before, recorded = look(rows), entries.count()
        answer = self.act(client, model_admin, name, rows)
        assert answer.status_code in {200, 302}
        if look(rows) == before:
            return False
        assert not isinstance(answer, TemplateResponse)
        assert entries.count() > recorded, (model_admin, name)
        return True


def look(rows: Rows) -> Snapshot:
    skipped = {AuditEntry}
    return snapshot(
        *(model._default_manager.all() for model in rows if model not in skipped),
        Session.objects.all(),
    )
