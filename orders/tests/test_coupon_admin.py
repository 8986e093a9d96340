"""Coupons as staff write, find and end them in the admin."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from orders.models import Coupon
from tests.admin_browser import AdminBrowser
from tests.factories import CategoryFactory, CourseFactory, InstructorFactory, StaffFactory
from tests.factories.coupons import CouponFactory

pytestmark = pytest.mark.django_db

LIST = "/admin/orders/coupon/"
ADD = f"{LIST}add/"


@pytest.fixture
def staff() -> Client:
    client = AdminBrowser()
    client.force_login(StaffFactory.create())
    return client


def terms(**fields: Any) -> dict[str, Any]:
    return {"code": "SPRING", "percent_off": "20", "is_active": "on", **fields}


def errors_of(answer: Any) -> dict[str, list[str]]:
    """Return what the form says, by field."""
    assert answer.status_code == 200
    return dict(answer.context["adminform"].form.errors)


def at(coupon: Coupon, page: str = "change") -> str:
    return f"{LIST}{coupon.id}/{page}/"


def day(field: str, date: str) -> dict[str, str]:
    return {f"{field}_0": date, f"{field}_1": "10:00:00"}


class TestTerms:
    @pytest.mark.parametrize(
        ("fields", "field", "words"),
        [
            ({"code": "AB"}, "code", "3 to 50 letters, digits, - and _."),
            ({"code": "A B C"}, "code", "3 to 50 letters, digits, - and _."),
            ({"code": "ÄÖÜ"}, "code", "3 to 50 letters, digits, - and _."),
            ({"amount_off": "5"}, "percent_off",
             "Either a percentage or an amount off, not both."),
            ({"percent_off": ""}, "percent_off",
             "Either a percentage or an amount off, not both."),
            ({"percent_off": "0"}, "percent_off",
             "Ensure this value is greater than or equal to 1."),
            ({"percent_off": "101"}, "percent_off",
             "Ensure this value is less than or equal to 100."),
            ({"percent_off": "", "amount_off": "0"}, "amount_off",
             "Ensure this value is greater than or equal to 0.01."),
            ({"minimum_amount": "0"}, "minimum_amount",
             "Ensure this value is greater than or equal to 0.01."),
            ({"max_redemptions": "0"}, "max_redemptions",
             "Ensure this value is greater than or equal to 1."),
            ({"max_redemptions_per_person": "0"}, "max_redemptions_per_person",
             "Ensure this value is greater than or equal to 1."),
            ({**day("valid_from", "2026-02-01"), **day("valid_until", "2026-01-01")}, "valid_until",
             "Must be after the time it is valid from."),
            ({**day("valid_from", "2026-02-01"), **day("valid_until", "2026-02-01")}, "valid_until",
             "Must be after the time it is valid from."),
        ],
    )  # fmt: skip
    def test_what_instructors_may_not_say_is_refused_to_staff_in_the_same_words(
        self, staff: Client, api: Any, fields: dict[str, str], field: str, words: str
    ) -> None:
        assert errors_of(staff.post(ADD, terms(**fields))) == {field: [words]}
        assert not Coupon.objects.exists()
        sent: dict[str, Any] = {"code": "SPRING", "percent_off": 20}
        for name, value in fields.items():
            if name.startswith("valid_"):
                sent[name[:-2]] = f"{fields[name[:-2] + '_0']}T10:00:00Z"
            else:
                sent[name] = int(value) if value.isdigit() else value or None
        api.force_authenticate(InstructorFactory.create())
        answer = api.post("/api/v1/instructor/coupons/", sent)
        assert answer.status_code == 422
        assert answer.json()["error"]["details"] == {field: [words]}

    def test_one_scope(self, staff: Client) -> None:
        course, category = CourseFactory.create(), CategoryFactory.create()
        fields = terms(course=str(course.id), category=str(category.id))
        words = "Either a course or a category, not both."
        assert errors_of(staff.post(ADD, fields)) == {"category": [words]}

    def test_each_fault_is_told_once(self, staff: Client) -> None:
        """What can't be read isn't taken for missing, and other faults are told beside it."""
        dates = {**day("valid_from", "2026-02-01"), **day("valid_until", "2026-01-01")}
        errors = errors_of(staff.post(ADD, terms(percent_off="", amount_off="much", **dates)))
        assert errors == {
            "amount_off": ["Enter a number."],
            "valid_until": ["Must be after the time it is valid from."],
        }

    def test_a_sound_one_is_made(self, staff: Client) -> None:
        dates = {**day("valid_from", "2026-01-01"), **day("valid_until", "2026-02-01")}
        more = {"minimum_amount": "0.01", "max_redemptions": "1", "code": " spring_2-x "}
        staff.post(ADD, terms(percent_off="", amount_off="0.01", **more, **dates))
        coupon = Coupon.objects.get()
        assert (coupon.code, coupon.amount_off) == ("SPRING_2-X", Decimal("0.01"))

    def test_an_old_code_is_kept(self, staff: Client) -> None:
        """One from before the rule can be switched off as any other."""
        coupon = CouponFactory.create(code="A B C")
        fields = terms(code="A B C")
        fields.pop("is_active")
        assert staff.post(at(coupon), fields).status_code == 302
        coupon.refresh_from_db()
        assert (coupon.code, coupon.is_active) == ("A B C", False)
        assert set(errors_of(staff.post(at(coupon), terms(code="A B D")))) == {"code"}


def test_the_list_says_how_far_a_coupon_reaches(staff: Client) -> None:
    teacher = InstructorFactory.create(email="ada@example.test")
    course = CourseFactory.create(title="Lute", instructor=teacher)
    category = CategoryFactory.create(name="Music")
    reaches: list[tuple[dict[str, Any], str]] = [
        ({}, "everything"),
        ({"category": category}, "Music"),
        ({"course": course}, "Lute"),
        ({"instructor": teacher}, "all courses of the instructor"),
        ({"instructor": teacher, "category": category}, "Music, courses of the instructor"),
        ({"instructor": teacher, "course": course}, "Lute"),
    ]
    for scope, words in reaches:
        Coupon.objects.all().delete()
        CouponFactory.create(**scope)
        page = staff.get(LIST).content.decode()
        assert f'<td class="field-applies_to">{words}</td>' in page


class TestUsedOnes:
    @pytest.fixture
    def used(self, place: Any, user: Any) -> Coupon:
        coupon = CouponFactory.create(code="USED")
        place(user, "10.00", coupon_code="USED")
        return coupon

    def test_they_are_switched_off_instead_of_deleted(self, staff: Client, used: Coupon) -> None:
        fresh = CouponFactory.create(code="FRESH")
        assert at(fresh, "delete") in staff.get(at(fresh)).content.decode()
        assert at(used, "delete") not in staff.get(at(used)).content.decode()
        assert staff.post(at(used, "delete"), {"post": "yes"}).status_code == 403
        assert staff.post(at(fresh, "delete"), {"post": "yes"}).status_code == 302
        assert Coupon.objects.get() == used

    def test_also_when_the_order_came_to_nothing(self, staff: Client, used: Coupon) -> None:
        """It is free to be used again, and the order still names it."""
        used.redemptions.all().delete()
        assert at(used, "delete") not in staff.get(at(used)).content.decode()

    def test_many_at_once(self, staff: Client, used: Coupon) -> None:
        fresh = CouponFactory.create(code="FRESH")
        chosen = {"action": "delete_selected", "_selected_action": [str(used.id), str(fresh.id)]}
        page = staff.post(LIST, {**chosen, "post": "yes"}, follow=True).content.decode()
        assert "USED was used: deactivate it instead." in page
        assert Coupon.objects.count() == 2
        chosen["_selected_action"] = [str(fresh.id)]
        page = staff.post(LIST, chosen).content.decode()
        assert "Are you sure" in page
        staff.post(LIST, {**chosen, "post": "yes"})
        assert Coupon.objects.get() == used

    def test_who_may_not_delete_deletes_nothing(self) -> None:
        coupon = CouponFactory.create()
        clerk = StaffFactory.create(is_superuser=False)
        clerk.user_permissions.set(Permission.objects.filter(codename="change_coupon"))
        client = AdminBrowser()
        client.force_login(clerk)
        chosen = {"action": "delete_selected", "_selected_action": [str(coupon.id)], "post": "yes"}
        client.post(LIST, chosen)
        assert client.post(at(coupon, "delete"), {"post": "yes"}).status_code == 403
        assert Coupon.objects.exists()


@pytest.mark.parametrize("uses", [1, 5])
def test_a_page_takes_a_fixed_number_of_queries(
    staff: Client, place: Any, uses: int, django_assert_num_queries: Any
) -> None:
    coupon = CouponFactory.create(code="TEN", valid_until=timezone.now() + dt.timedelta(days=1))
    for _ in range(uses):
        place(InstructorFactory.create(), "10.00", coupon_code="TEN")
    # The first look at a page of its kind asks for the content type, too.
    staff.get(at(coupon))
    with django_assert_num_queries(4):
        staff.get(at(coupon))


def test_a_day_without_a_time_is_the_whole_day(staff: Client) -> None:
    dates = {"valid_from_0": "2027-01-01", "valid_until_0": "2027-01-01"}
    empty = {"valid_from_1": "", "valid_until_1": ""}
    assert staff.post(ADD, terms(**dates, **empty)).status_code == 302
    coupon = Coupon.objects.get()
    assert coupon.valid_from == dt.datetime(2027, 1, 1, tzinfo=dt.UTC)
    assert coupon.valid_until == dt.datetime(2027, 1, 1, 23, 59, 59, tzinfo=dt.UTC)
    faulty = errors_of(staff.post(at(coupon), terms(valid_until_0="1/1/2027", valid_until_1="")))
    assert list(faulty) == ["valid_until"]
