"""A right that is missing is missing, whatever an admin's own rules say: for every table, for the
rows below it, and for each action."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.http import HttpRequest
from django.test import Client
from django.urls import reverse

from api.tests.office import Rows, furnish
from core.admin import ReadOnlyAdmin, StaffAdmin
from courses.models import Course, Curriculum
from courses.tests.test_admin import course_form, sections
from tests.admin_browser import AdminBrowser
from tests.factories import StaffFactory, make_course
from users.models import User

pytestmark = pytest.mark.django_db

OURS = sorted(admin.site._registry.values(), key=lambda one: one.opts.label)
DEEDS = ("view", "add", "change", "delete")


@pytest.fixture
def rows() -> Rows:
    return furnish()


def request_of(rights: set[str]) -> HttpRequest:
    """A request of a member of staff with exactly these rights."""
    request = HttpRequest()
    user = User(is_staff=True, is_active=True)
    # Where the framework remembers what it asked the database for.
    user._perm_cache = user._user_perm_cache = user._group_perm_cache = rights  # type: ignore[attr-defined]
    request.user = user
    return request


def all_rights() -> set[str]:
    found = Permission.objects.values_list("content_type__app_label", "codename")
    return {f"{app}.{codename}" for app, codename in found}


def may(of: Any, deed: str, request: HttpRequest, row: Any) -> bool:
    ask = getattr(of, f"has_{deed}_permission")
    if deed == "add":
        return bool(
            ask(request, row) if isinstance(of, admin.options.InlineModelAdmin) else ask(request)
        )
    return bool(ask(request, row))


def test_no_table_and_no_rows_below_it_open_without_the_right(rows: Rows) -> None:
    everything = all_rights()
    asked = 0
    for model_admin in OURS:
        row = rows[model_admin.model]
        full = request_of(everything)
        inlines = [
            inline(model_admin.model, admin.site) for inline in model_admin.get_inlines(full, row)
        ]
        for of in (model_admin, *inlines):
            label, name = of.opts.app_label, of.opts.model_name
            for deed in DEEDS:
                # Who may change may look.
                needed = {f"{label}.{deed}_{name}"}
                needed |= {f"{label}.change_{name}"} if deed == "view" else set()
                assert not may(of, deed, request_of(everything - needed), row), (of, deed)
                assert not may(of, deed, request_of(everything - needed), None), (of, deed)
                assert not may(of, deed, request_of(set()), row), (of, deed)
                asked += 1
    assert asked > 4 * len(OURS)


def test_actions_ask_for_a_right_that_goes_with_writing(rows: Rows) -> None:
    """Whoever may only look is offered no action."""
    looking = {right for right in all_rights() if ".view_" in right}
    for model_admin in OURS:
        assert not model_admin.get_actions(request_of(looking)), model_admin


def test_a_rule_of_ones_own_can_only_refuse_more() -> None:
    with pytest.raises(TypeError, match="may_…, not has_delete_permission"):
        type("Careless", (StaffAdmin,), {"has_delete_permission": lambda *_: True})
    careless = type("Careless", (ReadOnlyAdmin,), {"may_delete": lambda *_: True})
    assert not careless(Course, admin.site).has_delete_permission(request_of(set()))
    assert careless(Course, admin.site).has_delete_permission(request_of({"courses.delete_course"}))


class TestStaffWithoutRights:
    """The attack: a draft and its sections, deleted by somebody who may do nothing."""

    @pytest.mark.parametrize("rights", [(), ("view_course", "view_curriculum", "change_course")])
    def test_unpublished_courses_stay(self, client: Client, rights: tuple[str, ...]) -> None:
        clerk = StaffFactory.create(is_superuser=False)
        clerk.user_permissions.set(Permission.objects.filter(codename__in=rights))
        client.force_login(clerk)
        course = make_course(sections=1, status="draft", published_at=None)
        for row in (course, course.curriculum.get()):
            url = reverse(f"admin:courses_{row._meta.model_name}_delete", args=[row.pk])
            assert client.post(url, {"post": "yes"}).status_code == 403
        chosen = {"action": "delete_selected", "post": "yes", "_selected_action": [str(course.pk)]}
        client.post(reverse("admin:courses_course_changelist"), chosen)
        assert Course.objects.filter(pk=course.pk).exists()
        assert Curriculum.objects.filter(course=course).exists()

    def test_groups_of_rights_are_written_by_superusers_alone(self, client: Client) -> None:
        clerk = StaffFactory.create(is_superuser=False)
        clerk.user_permissions.set(Permission.objects.filter(content_type__app_label="auth"))
        client.force_login(clerk)
        assert client.post("/admin/auth/group/add/", {"name": "Kings"}).status_code == 403

    @pytest.mark.parametrize("is_superuser", [False, True])
    def test_a_course_is_given_to_another_by_superusers_alone(self, is_superuser: bool) -> None:
        """Its instructor may do everything with it, and earns what it earns."""
        client = AdminBrowser()
        clerk = StaffFactory.create(is_superuser=is_superuser, is_instructor=True)
        clerk.user_permissions.set(Permission.objects.filter(codename="change_course"))
        client.force_login(clerk)
        course = make_course(title="Lute", slug="lute")
        teacher = course.instructor_id
        form = course_form(
            title="Theorbo", slug="lute", category=course.category_id, instructor=clerk.pk
        )
        url = reverse("admin:courses_course_change", args=[course.pk])
        answer = client.post(url, {**form, **sections(0)})
        assert answer.status_code == 302, answer.context["errors"]
        course.refresh_from_db()
        assert course.title == "Theorbo"
        assert course.instructor_id == (clerk.pk if is_superuser else teacher)
