"""An action of the admin is done to so many rows at once, and more are refused before any is read:
those of a page, whatever "all" would be."""

from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext

from api.tests.office import furnish
from core.admin import MOST_RESENT, StaffAdmin
from core.admin.choosing import MOST_CHOSEN, choose
from core.models import AuditEntry
from enrollments.models import Enrollment
from payments.models import Payment, RefundRequest
from payments.tests.money import make_paid
from tests.factories import StaffFactory, UserFactory
from users.models import User

pytestmark = pytest.mark.django_db

USERS = "/admin/users/user/"
TOLD = "rows are chosen, which is the most at once. Nothing was done."
ADMINS: list[Any] = sorted(admin.site._registry.values(), key=lambda one: one.opts.label)


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(StaffFactory.create())
    return client


def list_of(model: Any) -> str:
    return f"/admin/{model._meta.app_label}/{model._meta.model_name}/"


def limit_to(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    for model_admin in ADMINS:
        monkeypatch.setattr(type(model_admin), "most_chosen", most)


def choose_rows(client: Client, action: str, *rows: Any, **fields: str) -> Any:
    chosen = {"action": action, "_selected_action": [str(row.pk) for row in rows], **fields}
    return client.post(list_of(rows[0]), chosen)


def list_told(client: Client, model: Any) -> str:
    return str(client.get(list_of(model)).content.decode())


def list_actions() -> list[tuple[Any, str]]:
    boss = HttpRequest()
    boss.user = StaffFactory.create()
    return [(one, name) for one in ADMINS for name in one.get_actions(boss)]


def test_no_table_does_more_at_once_than_a_page_has() -> None:
    more = {one.opts.label_lower: one.most_chosen for one in ADMINS if one.most_chosen > 100}
    assert MOST_CHOSEN == 100
    assert more == {
        "core.outboxdelivery": MOST_RESENT,
        "notifications.email": MOST_RESENT,
        "payments.stripeevent": MOST_RESENT,
    }


def test_each_action_refuses_before_anything_is_read_or_locked(
    staff: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, entries = furnish(), AuditEntry.objects.count()
    limit_to(monkeypatch, 0)
    actions = list_actions()
    assert len(actions) > 20
    for model_admin, name in actions:
        row = rows[model_admin.model]
        for all_of_them in ("0", "1"):
            with CaptureQueriesContext(connection) as captured:
                answer = choose_rows(staff, name, row, select_across=all_of_them, confirmed="yes")
            assert answer.status_code == 302, (row, name)
            assert f"More than 0 {TOLD}" in list_told(staff, row)
            for sql in (one["sql"] for one in captured):
                assert "FOR " not in sql, sql
                assert not sql.startswith(("UPDATE", "INSERT", "DELETE")), sql
    assert AuditEntry.objects.count() == entries


@pytest.mark.parametrize(
    ("model", "action"),
    [
        (Payment, "refund_whole"), (Payment, "clear_attention"), (RefundRequest, "approve"),
        (RefundRequest, "refuse"), (Enrollment, "suspend"), (Enrollment, "resume"),
    ],
    ids=str,
)  # fmt: skip
def test_refusing_costs_the_same_however_many(
    staff: Client, monkeypatch: pytest.MonkeyPatch, model: Any, action: str
) -> None:
    limit_to(monkeypatch, 2)
    costs = []
    for more in (3, 6):
        for _ in range(more):
            order = make_paid("10.00").order
            RefundRequest.objects.create(order=order, user=order.user)
        with CaptureQueriesContext(connection) as captured:
            choose_rows(staff, action, model.objects.all()[0], select_across="1")
        costs.append(len(captured))
        with CaptureQueriesContext(connection) as captured:
            choose_rows(staff, action, *model.objects.all())
        costs.append(len(captured))
    assert costs[:2] == costs[2:]
    assert f"More than 2 {TOLD}" in list_told(staff, model)


def test_all_are_done_where_they_are_no_more_than_that(
    staff: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = UserFactory.create_batch(2)
    limit_to(monkeypatch, 2)
    choose_rows(staff, "deactivate", people[0], select_across="1")
    assert not User.objects.filter(is_active=False).exists(), "three with the member of staff"
    assert f"More than 2 {TOLD}" in list_told(staff, User)
    limit_to(monkeypatch, 3)
    choose_rows(staff, "deactivate", people[0], select_across="1")
    assert User.objects.filter(is_active=False).count() == 2


def test_chosen_rows_are_done_up_to_the_most(
    staff: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit_to(monkeypatch, 2)
    people = UserFactory.create_batch(3)
    choose_rows(staff, "deactivate", *people)
    assert not User.objects.filter(is_active=False).exists()
    choose_rows(staff, "deactivate", *people[:2], people[0])
    assert User.objects.filter(is_active=False).count() == 2


@pytest.mark.parametrize("all_of_them", ["1", "0"])
def test_what_is_added_meanwhile_was_not_chosen(rf: RequestFactory, all_of_them: str) -> None:
    known = {user.pk for user in UserFactory.create_batch(2)}
    request = rf.post(
        USERS, {"select_across": all_of_them, "_selected_action": [str(pk) for pk in known]}
    )
    chosen = choose(request, User.objects.all(), most=2)
    assert chosen is not None
    UserFactory.create()
    assert {user.pk for user in chosen} == known


@pytest.mark.parametrize(("most", "is_offered"), [(4, True), (3, False)])
def test_all_are_offered_only_where_they_can_be_done(
    staff: Client, monkeypatch: pytest.MonkeyPatch, most: int, is_offered: bool
) -> None:
    UserFactory.create_batch(3)
    monkeypatch.setattr(StaffAdmin, "list_per_page", 2)
    limit_to(monkeypatch, most)
    page = list_told(staff, User)
    assert ("Select all 4 users" in page) is is_offered
    assert "0 of 2 selected" in page
