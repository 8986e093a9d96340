"""What nobody types into the admin is answered as what it is, a mistake of who asks."""

from typing import Any
from urllib.parse import quote

import pytest
from django.contrib import admin
from django.http import HttpRequest
from django.test import Client

from api.tests.office import furnish
from core.admin.lookups import declared_lookups
from tests.factories import StaffFactory

pytestmark = pytest.mark.django_db

NUL = "a\0b"
MANY_DIGITS = "9" * 20
LOGIN = "/admin/login/"
ADMINS = sorted(admin.site._registry.values(), key=lambda one: one.opts.label)
DATED = [one for one in ADMINS if one.date_hierarchy]


def told(model_admin: Any) -> str:
    return str(model_admin.opts.label_lower)


@pytest.fixture
def staff() -> Client:
    client = Client()
    client.force_login(StaffFactory.create())
    return client


def list_of(model_admin: Any) -> str:
    return f"/admin/{model_admin.opts.app_label}/{model_admin.opts.model_name}/"


class TestNul:
    """PostgreSQL takes no text with one."""

    @pytest.mark.parametrize("model_admin", ADMINS, ids=told)
    def test_no_list_and_no_row_takes_one(self, staff: Client, model_admin: Any) -> None:
        at, boss = list_of(model_admin), HttpRequest()
        boss.user = StaffFactory.create()
        for lookup in ["q", *sorted(declared_lookups(model_admin, boss))]:
            assert staff.get(at, {lookup: NUL}).status_code == 400, lookup
        for action in model_admin.get_actions(boss):
            chosen = {"action": action, "_selected_action": NUL}
            assert staff.post(at, chosen).status_code == 400, action
        for page in ("change", "delete", "history"):
            for ask in (staff.get, staff.post):
                assert ask(f"{at}{quote(NUL)}/{page}/").status_code == 400, page

    def test_nor_does_what_looks_rows_up_while_one_types(self, staff: Client) -> None:
        asked = {"app_label": "enrollments", "model_name": "enrollment", "field_name": "user"}
        assert staff.get("/admin/autocomplete/", {**asked, "term": "a"}).status_code == 200
        for name in (*asked, "term"):
            assert staff.get("/admin/autocomplete/", {**asked, name: NUL}).status_code == 400

    @pytest.mark.parametrize("form", [{"username": NUL, "password": "x"}, {NUL: "x"}], ids=str)
    def test_a_strangers_is_refused_alike(self, client: Client, form: dict[str, str]) -> None:
        answer = client.post(LOGIN, form)
        assert answer.status_code == 400
        assert answer.json()["error"]["code"] == "BAD_REQUEST"

    @pytest.mark.parametrize("accept", ["text/html", "application/json"])
    def test_a_cookie_has_none_either(self, client: Client, accept: str) -> None:
        cookie = '"12345678' + chr(92) + '000"'
        answer = client.get("/admin/", headers={"cookie": f"sessionid={cookie}", "accept": accept})
        assert answer.status_code == 400

    def test_a_form_that_another_site_sent_is_not_read(self) -> None:
        answer = Client(enforce_csrf_checks=True).post(LOGIN, {"username": NUL})
        assert answer.status_code == 403

    def test_what_is_beside_the_admin_is_left_alone(self, client: Client) -> None:
        answer = client.get("/health/live/", {"q": NUL})
        assert answer.status_code == 200


@pytest.mark.parametrize("model_admin", DATED, ids=told)
def test_a_date_that_can_be_none_leads_back_to_the_list(staff: Client, model_admin: Any) -> None:
    at, name = list_of(model_admin), model_admin.date_hierarchy
    for year, *rest in (
        [MANY_DIGITS], ["9999"], ["0"], ["x"], ["2026", MANY_DIGITS], ["2026", "13"],
        ["2026", "2", "31"], ["2026", "2", MANY_DIGITS], ["9999", "12", "31"],
    ):  # fmt: skip
        parts = dict(zip(("month", "day"), rest, strict=False))
        asked = {f"{name}__{part}": value for part, value in {"year": year, **parts}.items()}
        answer = staff.get(at, asked)
        assert (answer.status_code, answer.get("Location")) == (302, f"{at}?e=1"), asked
    assert staff.get(at, {"e": "1"}).status_code == 200
    assert staff.get(at, {f"{name}__year": "2026"}).status_code == 200


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("moment", ["0001-01-01 00:00+23:59", "9999-12-31 23:59-23:59"])
def test_so_does_one_that_only_postgresql_refuses(staff: Client, moment: str) -> None:
    boss, tried = HttpRequest(), 0
    boss.user = StaffFactory.create()
    for model_admin in ADMINS:
        for lookup in sorted(declared_lookups(model_admin, boss)):
            if lookup.endswith(("__gte", "__lt")):
                answer = staff.get(list_of(model_admin), {lookup: moment})
                assert answer.status_code == 302, (model_admin, lookup)
                assert answer["Location"].endswith("?e=1")
                tried += 1
    assert tried > 10


@pytest.mark.django_db(transaction=True)
def test_a_history_that_is_posted_is_read_all_the_same(staff: Client) -> None:
    """It runs in no transaction, so nothing can be locked, and nothing has to be."""
    for row in furnish().values():
        if type(row) not in admin.site._registry:
            continue
        path = f"/admin/{row._meta.app_label}/{row._meta.model_name}/{row.pk}/history/"
        answer = staff.post(path)
        assert answer.status_code == 200, path
        assert "Change history" in answer.content.decode()
