"""A form of the admin that was opened earlier never undoes a newer edit."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest
from django.test import Client

from api.tests.office import furnish
from core.admin import StaffAdmin, as_read, deleting
from courses.models import Course, Lesson
from enrollments.services import Reason, revoke_enrollments
from orders.models import Coupon
from payments.models import Dispute, Payment, RevenueShare
from payments.tests.money import make_paid
from tests.admin_browser import FIELD, read_form
from tests.factories import (
    CategoryFactory,
    EnrollmentFactory,
    StaffFactory,
    UserFactory,
    make_course,
)
from tests.factories.coupons import CouponFactory
from tests.parallel import Beside

pytestmark = pytest.mark.django_db


def make_share() -> RevenueShare:
    return RevenueShare.objects.create(course=make_course(), percent=60)


# Each table with a form: how to make a row, and the column that somebody else edits meanwhile.
FORMS: dict[str, tuple[Callable[[], Any], str, Any]] = {
    "auth.group": (lambda: Group.objects.create(name="Clerks"), "name", "Desk"),
    "courses.category": (CategoryFactory.create, "position", 7),
    "courses.course": (make_course, "price", 12),
    "courses.curriculum": (lambda: make_course().curriculum.all()[0], "title", "Newer"),
    "orders.coupon": (CouponFactory.create, "percent_off", 11),
    "payments.revenueshare": (make_share, "percent", 71),
    "users.user": (UserFactory.create, "first_name", "Newer"),
}
# Their forms have no field that can be typed into.
SHOWN = {"enrollments.enrollment"}


@pytest.fixture
def staff() -> Client:
    client = Client()
    client.force_login(StaffFactory.create())
    return client


def page_of(row: Model) -> str:
    return f"/admin/{row._meta.app_label}/{row._meta.model_name}/{row.pk}/change/"


def open_form(staff: Client, row: Model) -> dict[str, Any]:
    return read_form(staff.get(page_of(row)).content.decode())


def test_every_form_of_a_row_is_tried() -> None:
    request = HttpRequest()
    request.user = StaffFactory.create()
    found = {
        one.opts.label_lower
        for one in admin.site._registry.values()
        if one.has_change_permission(request)
    }
    assert found == set(FORMS) | SHOWN


@pytest.mark.parametrize("table", FORMS)
def test_an_older_form_is_refused_and_a_fresh_one_is_saved(staff: Client, table: str) -> None:
    make, column, newer = FORMS[table]
    row = make()
    older = open_form(staff, row)
    assert older[FIELD]
    type(row).objects.filter(pk=row.pk).update(**{column: newer})
    answer = staff.post(page_of(row), older)
    assert answer.status_code == 200
    (told,) = answer.context["adminform"].form.non_field_errors()
    assert "edited since you opened the form" in told
    assert f"is {newer}" in told
    assert told.count(" by now") == 1, "what is as it was isn't named"
    row.refresh_from_db()
    assert getattr(row, column) == newer
    fresh = staff.post(page_of(row), open_form(staff, row))
    assert fresh.status_code == 302, fresh.context["errors"]
    row.refresh_from_db()
    assert getattr(row, column) == newer


def test_no_row_is_edited_in_the_list(staff: Client) -> None:
    """A list opened earlier would put back what was edited since in rows that nobody touched."""
    row = CategoryFactory.create(position=7)
    page = staff.get("/admin/courses/category/").content.decode()
    assert 'name="form-0-position"' not in page
    typed = {"form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "1", "form-0-id": str(row.pk)}
    staff.post("/admin/courses/category/", {**typed, "form-0-position": "1", "_save": "Save"})
    row.refresh_from_db()
    assert row.position == 7
    assert not [one for one in admin.site._registry.values() if one.list_editable]
    with pytest.raises(TypeError, match="in their form, not in the list"):
        type("Careless", (StaffAdmin,), {"list_editable": ["position"]})


@pytest.mark.parametrize("told", [None, "", "{}", "[]", "not JSON", '"x"'])
def test_a_form_that_does_not_say_what_it_was_made_of_is_refused(
    staff: Client, told: str | None
) -> None:
    coupon = CouponFactory.create(percent_off=10)
    form = open_form(staff, coupon)
    form = {key: value for key, value in form.items() if key != FIELD}
    form |= {"percent_off": "50"} | ({} if told is None else {FIELD: told})
    answer = staff.post(page_of(coupon), form)
    assert "doesn't say what it was made of" in answer.content.decode().replace("&#x27;", "'")
    coupon.refresh_from_db()
    assert coupon.percent_off == 10


def test_what_a_form_has_no_field_for_stands_in_nobodys_way(staff: Client) -> None:
    course = make_course()
    form = open_form(staff, course)
    Course.objects.update(duration_minutes=77)
    assert staff.post(page_of(course), form).status_code == 302
    course.refresh_from_db()
    assert course.title == form["title"]


def test_rows_below_are_held_to_what_was_read_too(staff: Client) -> None:
    section = make_course(sections=1, lessons=2).curriculum.get()
    older = open_form(staff, section)
    edited, other = section.lessons.order_by("order")
    Lesson.objects.filter(id=edited.id).update(title="Newer")
    answer = staff.post(page_of(section), {**older, "lessons-1-title": "Mine"})
    assert answer.status_code == 200
    assert "Title is Newer by now" in answer.content.decode()
    other.refresh_from_db()
    assert other.title != "Mine"
    fresh = {**open_form(staff, section), "lessons-1-title": "Mine"}
    assert staff.post(page_of(section), fresh).status_code == 302
    titles = set(section.lessons.values_list("title", flat=True))
    assert titles == {"Newer", "Mine"}


def test_choices_and_rows_are_named_as_staff_read_them(staff: Client) -> None:
    coupon, course = CouponFactory.create(), make_course(title="Rivers")
    older = open_form(staff, coupon)
    Coupon.objects.update(course=course, is_active=False)
    told = staff.post(page_of(coupon), older).content.decode()
    assert "Course is Rivers by now" in told
    assert "Is active is False by now" in told


@pytest.mark.django_db(transaction=True)
def test_nobody_edits_between_the_look_and_the_saving(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the row's lock the newer edit would be undone by the form that looked before it."""
    staff = Client()
    staff.force_login(StaffFactory.create())
    coupon = CouponFactory.create(percent_off=10)
    form = open_form(staff, coupon) | {"max_redemptions": "9"}
    parse, begun = as_read._parse, []

    def edit() -> int:
        return Coupon.objects.filter(pk=coupon.pk).update(percent_off=30)

    def parse_while_another_edits(told: Any) -> Any:
        begun.append(Beside(edit))
        return parse(told)

    monkeypatch.setattr(as_read, "_parse", parse_while_another_edits)
    assert staff.post(page_of(coupon), form).status_code == 302
    (editing,) = begun
    assert editing.had_to_wait
    assert editing.result() == 1
    coupon.refresh_from_db()
    assert (coupon.percent_off, coupon.max_redemptions) == (30, 9)


# What staff delete by a page or by the list, of what is made above.
DELETED = ("courses.category", "courses.course", "orders.coupon", "payments.revenueshare")


class TestDeletions:
    """A page that asks whether to delete, opened before somebody else's edit."""

    def test_every_table_whose_rows_are_deleted_is_tried(self) -> None:
        request = HttpRequest()
        request.user = StaffFactory.create()
        found = {
            one.opts.label_lower
            for one in admin.site._registry.values()
            if one.has_delete_permission(request) and one.has_change_permission(request)
        }
        assert found == {*DELETED, "auth.group"}

    @pytest.mark.parametrize("way", ["page", "list"])
    @pytest.mark.parametrize("table", DELETED)
    def test_a_newer_edit_is_shown_first(self, staff: Client, table: str, way: str) -> None:
        make, column, newer = FORMS[table]
        row = make()
        if isinstance(row, Course):
            Course.objects.update(status="draft", published_at=None)
        path, chosen = deletion_of(row, way)
        older = read_form(staff.post(path, chosen).content.decode())
        for form in (older, without(older, "shown"), {**older, "shown": ""}):
            type(row).objects.filter(pk=row.pk).update(**{column: newer})
            told = staff.post(path, {**form, **chosen, "post": "yes"}, follow=True).content.decode()
            assert "This changed since the page was opened" in told
            assert type(row).objects.filter(pk=row.pk).exists()
        assert 'name="post"' in told, "it asks anew"
        staff.post(path, {**read_form(told), **chosen})
        assert not type(row).objects.filter(pk=row.pk).exists()

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize("way", ["page", "list"])
    def test_nobody_edits_between_the_look_and_the_deletion(
        self, monkeypatch: pytest.MonkeyPatch, way: str
    ) -> None:
        staff, begun = Client(), []
        staff.force_login(StaffFactory.create())
        share = make_share()
        path, chosen = deletion_of(share, way)
        form = read_form(staff.post(path, chosen).content.decode())
        look = deleting.is_as_shown

        def look_while_another_edits(*given: Any) -> bool:
            begun.append(Beside(lambda: RevenueShare.objects.update(percent=30)))
            return look(*given)

        monkeypatch.setattr(deleting, "is_as_shown", look_while_another_edits)
        assert staff.post(path, {**form, **chosen}).status_code == 302
        (editing,) = begun
        assert editing.had_to_wait
        assert editing.result() == 0
        assert not RevenueShare.objects.exists()

    def test_a_row_below_that_was_edited_stays(self, staff: Client) -> None:
        course = make_course(sections=1, lessons=2, status="draft", published_at=None)
        section = course.curriculum.get()
        older = open_form(staff, section) | {"lessons-0-DELETE": "on"}
        first, _ = section.lessons.order_by("order")
        Lesson.objects.filter(id=first.id).update(title="Newer")
        answer = staff.post(page_of(section), older)
        assert answer.status_code == 200
        assert "Title is Newer by now" in answer.content.decode()
        assert section.lessons.count() == 2
        fresh = open_form(staff, section) | {"lessons-0-DELETE": "on"}
        assert staff.post(page_of(section), fresh).status_code == 302
        assert [lesson.id for lesson in section.lessons.all()] != [first.id]
        assert section.lessons.count() == 1

    def test_so_it_does_before_who_may_delete_it_and_not_change_it(self) -> None:
        helper = StaffFactory.create(is_superuser=False)
        rights = ["view_curriculum", "change_curriculum", "view_lesson", "delete_lesson"]
        helper.user_permissions.set(Permission.objects.filter(codename__in=rights))
        client = Client()
        client.force_login(helper)
        course = make_course(sections=1, lessons=2, status="draft", published_at=None)
        section = course.curriculum.get()
        older = open_form(client, section) | {"lessons-0-DELETE": "on"}
        assert older[f"lessons-0-{FIELD}"]
        assert "lessons-0-title" not in older
        first, _ = section.lessons.order_by("order")
        Lesson.objects.filter(id=first.id).update(title="Newer")
        answer = client.post(page_of(section), older)
        assert answer.status_code == 200
        assert "Title is Newer by now" in answer.content.decode()
        assert section.lessons.count() == 2
        fresh = open_form(client, section) | {"lessons-0-DELETE": "on"}
        assert client.post(page_of(section), fresh).status_code == 302
        assert first.id not in section.lessons.values_list("id", flat=True)
        assert client.post(page_of(section), open_form(client, section)).status_code == 302
        assert section.lessons.count() == 1


ASKING = {
    "enrollments.enrollment": {"suspend", "resume", "revoke"},
    "payments.payment": {"refund_whole", "refund_lines", "clear_attention"},
    "payments.refundrequest": {"approve", "refuse"},
}


class TestActionsThatAsk:
    """The page between choosing an action and doing it."""

    def test_each_is_gone_on_from_only_by_who_saw_it(self, staff: Client) -> None:
        rows, asking = furnish(), defaultdict(set)
        # Without a dispute, so that all of them can be done.
        Dispute.objects.update(status="won")
        request = HttpRequest()
        request.user = StaffFactory.create()
        for model_admin in admin.site._registry.values():
            for name in set(model_admin.get_actions(request)) - {"delete_selected"}:
                with transaction.atomic():
                    if self.asks(staff, name, rows[model_admin.model]):
                        asking[model_admin.opts.label_lower].add(name)
                    transaction.set_rollback(True)
        assert asking == ASKING

    def asks(self, staff: Client, name: str, row: Any) -> bool:
        path = f"/admin/{row._meta.app_label}/{row._meta.model_name}/"
        chosen = {"action": name, "_selected_action": [str(row.pk)], "reason": "So"}
        answer = staff.post(path, chosen)
        form = read_form(answer.content.decode()) if answer.status_code == 200 else {}
        if "confirmed" not in form:
            return False
        for shown in ({}, {"shown": ""}, {"shown": "x"}):
            answer = staff.post(path, {**chosen, "confirmed": "yes", **shown})
            assert "This changed since the page was opened" in answer.content.decode()
        return True

    def test_staffs_newer_decision_is_shown_before_it_is_lifted(self, staff: Client) -> None:
        enrollment = EnrollmentFactory.create(status="suspended")
        path = "/admin/enrollments/enrollment/"
        chosen = {"action": "resume", "_selected_action": [str(enrollment.pk)]}
        older = read_form(staff.post(path, chosen).content.decode()) | chosen
        revoke_enrollments(enrollment_ids=[enrollment.id], reason=Reason.of_staff("Resold it"))
        page = staff.post(path, older).content.decode()
        assert "This changed since the page was opened" in page
        assert "revoked by staff: Resold it" in page
        enrollment.refresh_from_db()
        assert enrollment.status == "revoked"
        assert staff.post(path, {**read_form(page), **chosen}).status_code == 302
        enrollment.refresh_from_db()
        assert enrollment.status == "active"

    def test_a_newer_note_is_shown_before_it_is_taken_off(self, staff: Client) -> None:
        payment = make_paid("10.00")
        Payment.objects.update(needs_attention="Look")
        path = "/admin/payments/payment/"
        chosen = {"action": "clear_attention", "_selected_action": [str(payment.pk)]}
        older = read_form(staff.post(path, chosen).content.decode()) | chosen
        Payment.objects.update(needs_attention="Look again")
        assert "Look again" in staff.post(path, older).content.decode()
        payment.refresh_from_db()
        assert payment.needs_attention == "Look again"

    @pytest.mark.parametrize("action", ["resume", "delete_selected"])
    def test_more_rows_than_a_page_can_post_are_refused_before_it(
        self, staff: Client, settings: Any, action: str
    ) -> None:
        """Django would refuse what the page posts, with 400 and no word."""
        settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 22
        make = CouponFactory if action == "delete_selected" else EnrollmentFactory
        rows = [make.create() for _ in range(3)]
        path = f"/admin/{rows[0]._meta.app_label}/{rows[0]._meta.model_name}/"
        chosen = {"action": action, "select_across": "1", "_selected_action": [str(rows[0].pk)]}
        answer = staff.post(path, chosen, follow=True)
        assert [code for _, code in answer.redirect_chain] == [302]
        assert "More than 2 rows are chosen, which is the most at once" in answer.content.decode()
        rows.pop().delete()
        page = staff.post(path, chosen).content.decode()
        keys = [str(row.pk) for row in rows]
        form = read_form(page) | {"_selected_action": keys} | {f"more-{n}": "" for n in range(14)}
        assert staff.post(path, form).status_code == 302


def deletion_of(row: Model, way: str) -> tuple[str, dict[str, Any]]:
    """Where a row is deleted, and what is posted there to be asked about it."""
    at = f"/admin/{row._meta.app_label}/{row._meta.model_name}/"
    if way == "page":
        return f"{at}{row.pk}/delete/", {}
    return at, {"action": "delete_selected", "_selected_action": [str(row.pk)]}


def without(form: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in form.items() if key != name}
