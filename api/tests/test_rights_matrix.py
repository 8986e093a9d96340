"""A member of staff with any one permission reaches what docs/rights.md says of it, and nothing
beyond: every page and action of the admin, every operation of the API.

Rights only add up, so the question is asked of many permissions at once: with all of them but
those that open a door, it is closed, and so it is with any one of them; with exactly those, it
opens. That every single permission holds no other right is asked of the rules themselves.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.contrib.messages import get_messages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.http import HttpRequest
from django.test import Client
from django.urls import URLPattern, reverse

from api.tests.office import Rows, furnish
from api.tests.rights_table import (
    ACTIONS,
    BY_FLAG,
    BY_SUPERUSERS,
    MORE_PAGES,
    OPERATIONS,
    WRITTEN,
    Door,
    admin_doors,
    render_tables,
    ways_to_lack,
)
from courses.authors import author_from
from courses.services import authoring
from courses.tests.portability.making import minimal, picture
from orders.models import CreditNote
from payments.models import RefundRequest
from payments.tests.money import hear, make_paid
from tests.admin_browser import find_what_was_shown
from tests.factories import StaffFactory, UserFactory, make_course, sign_in
from users.models import User
from users.rights import Right, held_rights

pytestmark = pytest.mark.django_db

SCHEMA = yaml.safe_load(Path(settings.BASE_DIR, "docs", "openapi.yaml").read_text())
FLAGS = (".is_staff", ".is_superuser", "IsAdminUser", "has_perm")
METHODS = ("get", "post", "put", "patch", "delete")


@pytest.fixture
def member() -> User:
    return StaffFactory.create(is_superuser=False, email="member@example.test")


@pytest.fixture
def permissions() -> dict[str, Permission]:
    rows = Permission.objects.select_related("content_type")
    return {f"{row.content_type.app_label}.{row.codename}": row for row in rows}


def hold(member: User, permissions: dict[str, Permission], names: Iterable[str]) -> None:
    member.user_permissions.set([permissions[name] for name in names])


def undone(call: Any) -> Any:
    """Return what the call answers, and leave nothing of it."""
    with transaction.atomic():
        answer = call()
        transaction.set_rollback(True)
    return answer


class TestTheRules:
    def test_a_single_permission_is_a_single_right(
        self, permissions: dict[str, Permission]
    ) -> None:
        """Asked of every table, every row below one and every action, for each permission alone."""
        rows = furnish()
        doors = [door for door in admin_doors() if door.ways]
        for name in permissions:
            request = HttpRequest()
            person = User(is_staff=True, is_active=True)
            person._perm_cache = person._user_perm_cache = person._group_perm_cache = {name}  # type: ignore[attr-defined]
            request.user = person
            opened = {right for right in Right if right.value == (name,)}
            assert held_rights(person) == opened
            for table, model_admin in tables():
                row = rows[model_admin.model]
                app, model = table.split(".")
                verbs = {verb for verb in ("view", "change") if name == f"{app}.{verb}_{model}"}
                assert model_admin.has_view_permission(request, row) is bool(verbs)
                for verb in ("add", "change", "delete"):
                    ask = getattr(model_admin, f"has_{verb}_permission")
                    may = ask(request) if verb == "add" else ask(request, row)
                    is_named = name == f"{app}.{verb}_{model}" and verb in WRITTEN.get(table, ())
                    # A coupon that was used isn't deleted by anybody.
                    assert may is is_named or (not may and table == "orders.coupon"), (name, table)
                for action in model_admin.get_actions(request):
                    assert ACTIONS[table][action] == name, (name, table, action)
        assert len(permissions) > 150
        assert doors

    def test_every_action_and_every_page_is_in_the_table(self) -> None:
        boss = HttpRequest()
        boss.user = StaffFactory.create()
        for table, model_admin in tables():
            if table in BY_SUPERUSERS:
                continue
            assert set(model_admin.get_actions(boss)) == set(ACTIONS.get(table, {})), table
            known = {"changelist", "add", "history", "delete", "change"}
            app, model = table.split(".")
            names = {
                str(pattern.name).removeprefix(f"{app}_{model}_").removeprefix("auth_user_")
                for pattern in model_admin.get_urls()
                if isinstance(pattern, URLPattern) and pattern.name
            }
            extra = MORE_PAGES.get(table, {})
            more = {name.replace("password", "password_change") for name in extra}
            assert names - known == more, table

    def test_the_page_of_the_docs_is_true(self) -> None:
        page = Path(settings.BASE_DIR, "docs", "rights.md").read_text()
        assert render_tables() in page

    def test_only_one_place_asks_for_the_flag(self) -> None:
        """Whatever opens something to staff asks `users.rights`."""
        askers = []
        for path in Path(settings.BASE_DIR).glob("[a-z]*/**/*.py"):
            parts = path.relative_to(settings.BASE_DIR).parts
            if {"tests", "migrations", "devtools", "benchmarks", "demo"} & set(parts):
                continue
            text = path.read_text()
            if any(
                word in text for word in (".is_staff", ".is_superuser", "IsAdminUser", "has_perm")
            ):
                askers.append("/".join(parts))
        assert sorted(askers) == ["core/admin/base.py", "users/admin.py", "users/rights.py"]


def tables() -> list[tuple[str, Any]]:
    ours = sorted(admin.site._registry.values(), key=lambda one: one.opts.label)
    return [(one.opts.label_lower, one) for one in ours]


class TestTheAdmin:
    def test_each_door_opens_by_its_rights_and_by_no_others(
        self, member: User, permissions: dict[str, Permission]
    ) -> None:
        rows = furnish()
        client = Client()
        client.force_login(member)
        tried = 0
        for door in admin_doors():
            for lacking in ways_to_lack(door.ways):
                hold(member, permissions, permissions.keys() - lacking)
                assert not undone(lambda door=door: is_open(client, door, rows)), (door, lacking)
                tried += 1
            for way in door.ways:
                if door.table == "orders.coupon" and door.name == "delete":
                    continue  # This one was used: it is deleted by nobody.
                hold(member, permissions, way)
                assert undone(lambda door=door: is_open(client, door, rows)), (door, way)
                tried += 1
        assert tried > 350

    def test_pages_of_no_table_are_for_staff(self, member: User) -> None:
        client = Client()
        client.force_login(member)
        for name in ("admin:index", "admin:password_change", "admin:jsi18n"):
            assert client.get(reverse(name)).status_code == 200
        for label in {table.split(".")[0] for table, _ in tables()}:
            assert client.get(reverse("admin:app_list", args=[label])).status_code in {403, 404}

    def test_nobody_else_comes_in(self) -> None:
        rows, client = furnish(), Client()
        client.force_login(UserFactory.create())
        for door in admin_doors():
            assert not is_open(client, door, rows), door


def is_open(client: Client, door: Door, rows: Rows) -> bool:
    """Whether the page is shown, or the action done or its question put."""
    model = next(model for model in rows if model._meta.label_lower == door.table)
    base = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    # What the page before had to say isn't about this one.
    client.cookies.pop("messages", None)
    answer = (
        _act(client, door, base, rows[model])
        if door.is_action
        else _visit(client, door, base, rows[model])
    )
    told = {str(message) for message in get_messages(answer.wsgi_request)}
    is_sent_to_sign_in = "/admin/login/" in answer.get("Location", "")
    is_shown = answer.status_code in {200, 302} and not is_sent_to_sign_in
    # Without any action to choose from, the list just comes again.
    is_list = door.is_action and "cl" in (getattr(answer, "context_data", None) or {})
    return is_shown and not is_list and "No action selected." not in told


def _act(client: Client, door: Door, base: str, row: Any) -> Any:
    chosen = {"action": door.name, "_selected_action": [str(row.pk)]}
    return client.post(reverse(f"{base}_changelist"), chosen)


def _visit(client: Client, door: Door, base: str, row: Any) -> Any:
    if door.name in {"changelist", "add"}:
        url = reverse(f"{base}_{door.name}")
        return client.post(url, {}) if door.name == "add" else client.get(url)
    names = {"row": f"{base}_change", "password": "admin:auth_user_password_change"}
    url = reverse(names.get(door.name, f"{base}_{door.name}"), args=[row.pk])
    if door.name == "delete":
        return client.post(url, {"post": "yes", **find_what_was_shown(client.get(url))})
    return client.post(url, _empty_forms()) if door.name == "change" else client.get(url)


def _empty_forms() -> dict[str, int]:
    prefixes = ("curriculum", "stats", "submissions", "lessons", "lesson_progress", "profile")
    return {f"{one}-{kind}_FORMS": 0 for one in prefixes for kind in ("TOTAL", "INITIAL")}


class TestTheApi:
    """Every operation of the schema, as a person without an account of staff, as staff without any
    right, as staff with every right but those it asks for, and as staff with just those."""

    def test_operations_of_the_table_exist(self) -> None:
        assert set(operations()) >= OPERATIONS.keys() | BY_FLAG
        assert set(OPERATIONS.values()) == set(Right)

    def test_no_permission_opens_what_the_table_does_not_name(
        self, member: User, permissions: dict[str, Permission]
    ) -> None:
        world = World()
        ordinary = UserFactory.create()
        for operation in operations():
            if operation in OPERATIONS:
                continue
            hold(member, permissions, ())
            bare = world.ask(member, operation)
            if operation not in BY_FLAG:
                assert world.ask(ordinary, operation) == bare, operation
            hold(member, permissions, permissions)
            assert world.ask(member, operation) == bare, operation

    def test_each_operation_opens_by_its_right_and_by_no_other(
        self, member: User, permissions: dict[str, Permission]
    ) -> None:
        world = World()
        for operation, right in OPERATIONS.items():
            hold(member, permissions, ())
            refused = world.ask(member, operation)
            assert refused[0] in {403, 404}, (operation, refused)
            for missing in right.value:
                hold(member, permissions, permissions.keys() - {missing})
                assert world.ask(member, operation) == refused, (operation, missing)
            also = {"courses.delete_curriculum"} if right is Right.REMOVE_COURSES else set()
            hold(member, permissions, {*right.value, *also})
            answer = world.ask(member, operation)
            assert answer[0] < 300, (operation, answer)


def operations() -> Iterator[tuple[str, str]]:
    for path, methods in SCHEMA["paths"].items():
        yield from ((method, path) for method in METHODS if method in methods)


class World:
    """Other people's things, and requests that would be fine if they were one's own."""

    def __init__(self) -> None:
        self.course = make_course(sections=2, lessons=3, price="20.00", original_price=None)
        section = self.course.curriculum.order_by("order")[0]
        lesson = section.lessons.order_by("order")[1]
        author = author_from(self.course.instructor)
        spot: dict[str, Any] = {
            "reference": str(self.course.id),
            "section_id": section.id,
            "lesson_id": lesson.id,
        }
        file = authoring.add_lesson_file(
            author=author, **spot, title="Notes", upload=SimpleUploadedFile("n.txt", b"Notes of it")
        )
        payment = make_paid("10.00", "20.00")
        hear(payment, "succeeded", amount="10.00", number=7)
        order = payment.order
        request = RefundRequest.objects.create(order=order, user=order.user)
        request.order_items.set(order.items.filter(price_at_purchase=20))
        self.values = {
            **spot, "file_id": file["id"], "order_id": order.id, "course_id": self.course.id,
            "number": CreditNote.objects.get(invoice__order=order).number,
            "request_id": request.id,
        }  # fmt: skip
        sections = [str(one.id) for one in self.course.curriculum.order_by("-order")]
        lessons = [str(one.id) for one in section.lessons.order_by("-order")]
        self.bodies: dict[tuple[str, str], Any] = {
            ("post", "/api/v1/courses/"): {"title": "New"},
            ("patch", "/api/v1/courses/{reference}/"): {"price": 1},
            ("post", "/api/v1/courses/{reference}/curriculum/"): {"title": "New"},
            ("post", "/api/v1/courses/{reference}/curriculum/reorder/"): {"order": sections},
        }
        base = "/api/v1/courses/{reference}/curriculum/{section_id}/"
        self.bodies |= {
            ("patch", base): {"title": "New"},
            ("post", f"{base}lessons/"): {"title": "New"},
            ("post", f"{base}lessons/reorder/"): {"order": lessons},
            ("patch", f"{base}lessons/{{lesson_id}}/"): {"title": "New"},
            ("post", "/api/v1/refund-requests/{request_id}/refuse/"): {"reason": "No"},
            ("post", "/api/v1/orders/{order_id}/refunds/"): {"reason": "Late"},
        }

    def ask(self, person: User, operation: tuple[str, str]) -> tuple[int, str]:
        """Return the status and the code of the answer; nothing stays of it."""
        answer = undone(lambda: self._call(person, operation))
        content = b"" if answer.streaming else answer.content
        if answer.streaming:
            # Closing the answer itself would close the test's connection too.
            for close in answer._resource_closers:
                close()
        is_error = answer.status_code >= 400 and content.startswith(b"{")
        return answer.status_code, json.loads(content)["error"]["code"] if is_error else ""

    def _call(self, person: User, operation: tuple[str, str]) -> Any:
        method, path = operation
        for name in [part[1:-1] for part in path.split("/") if part.startswith("{")]:
            path = path.replace(f"{{{name}}}", str(self.values.get(name, self.course.id)))
        client = sign_in(person)
        if path.endswith("/import/"):
            return client.post(path, minimal(), format="json")
        if path.endswith("/thumbnail/") and method != "delete":
            form = {"thumbnail": SimpleUploadedFile("p.png", picture())}
            return getattr(client, method)(path, form, format="multipart")
        if path.endswith("/resources/"):
            file = SimpleUploadedFile("m.txt", b"More of it")
            return client.post(path, {"title": "More", "file": file}, format="multipart")
        body = self.bodies.get(operation) or example_of(operation)
        return getattr(client, method)(path, body if method != "get" else None, format="json")


def example_of(operation: tuple[str, str]) -> Any:
    described = SCHEMA["paths"][operation[1]][operation[0]]
    content = described.get("requestBody", {}).get("content", {}).get("application/json", {})
    return next((one["value"] for one in content.get("examples", {}).values()), {})
