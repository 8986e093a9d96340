"""No form of the admin tells a person the name of a constraint: what the database would refuse is
refused in words, at its field."""

import re
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client, RequestFactory
from django.urls import reverse

from courses.models import Course, Curriculum
from enrollments.errors import AlreadyEnrolled
from payments.models import RevenueShare
from tests.admin_browser import AdminBrowser
from tests.factories import (
    CategoryFactory,
    CourseFactory,
    EnrollmentFactory,
    InstructorFactory,
    StaffFactory,
    UserFactory,
    make_course,
)
from users.tests.conftest import NEW_PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff() -> Client:
    client = AdminBrowser()
    client.force_login(StaffFactory.create())
    return client


def refuse(client: Client, path: str, data: dict[str, Any]) -> dict[str, list[str]]:
    """Post a form that is refused, and return what it says, by field."""
    answer = client.post(f"/admin/{path}/", data)
    assert answer.status_code == 200
    assert "Constraint" not in answer.content.decode()
    return dict(answer.context["adminform"].form.errors)


def course_form(**fields: Any) -> dict[str, Any]:
    counts = {
        f"{name}-{kind}_FORMS": 0
        for name in ("curriculum", "stats", "submissions")
        for kind in ("TOTAL", "INITIAL")
    }
    base = {"title": "Lute", "slug": "lute", "description": "All of it.", "level": "beginner",
            "language": "English", "price": "10", "original_price": "", "outcomes": "[]",
            "requirements": "[]", **counts}  # fmt: skip
    return {**base, "instructor": str(InstructorFactory.create().id), **fields}


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"price": "-1"}, "price", "Ensure this value is greater than or equal to 0."),
        ({"price": "1000000"}, "price", "Must not be more than 999,999.99"),
        ({"price": "0.10"}, "price", "Must be 0, or at least 0.50"),
        ({"original_price": "9.99"}, "original_price", "Must not be below price."),
        ({"slug": "featured"}, "slug", "This word is reserved."),
        ({"level": "expert"}, "level", "Select a valid choice. expert is not one of the available"),
    ],
)
def test_courses(staff: Client, fields: dict[str, str], field: str, words: str) -> None:
    course = make_course()
    for path in ("add", f"{course.id}/change"):
        errors = refuse(staff, f"courses/course/{path}", course_form(**fields))
        assert list(errors) == [field]
        assert words in errors[field][0]
        assert len(errors[field]) == 1
    assert Course.objects.count() == 1


def test_a_slug_from_before_the_rule_stays(staff: Client) -> None:
    course = make_course(slug="old_words")
    form = course_form(slug="old_words", title="Theorbo")
    path = f"/admin/courses/course/{course.id}/change/"
    assert staff.post(path, form).status_code == 302
    course.refresh_from_db()
    assert (course.title, course.slug) == ("Theorbo", "old_words")
    assert list(refuse(staff, path[7:-1], {**form, "slug": "new_words"})) == ["slug"]


def test_sections_and_lessons(staff: Client) -> None:
    section = make_course(sections=1, lessons=1).curriculum.get()
    lesson = section.lessons.get()
    form = {"course": str(section.course_id), "title": "Again", "order": section.order}
    none = {"lessons-TOTAL_FORMS": 0, "lessons-INITIAL_FORMS": 0}
    errors = refuse(staff, "courses/curriculum/add", {**form, **none})
    assert "already exists" in errors["__all__"][0]
    rows = {
        "lessons-TOTAL_FORMS": 2, "lessons-INITIAL_FORMS": 1, "lessons-0-id": str(lesson.id),
        "lessons-0-curriculum": str(section.id), "lessons-1-title": "Twice",
    }  # fmt: skip
    for number in (0, 1):
        rows |= {f"lessons-{number}-order": lesson.order, f"lessons-{number}-resources": "[]",
                 f"lessons-{number}-duration_minutes": 5}  # fmt: skip
    page = staff.post(
        f"/admin/courses/curriculum/{section.id}/change/",
        {**form, **rows, "lessons-0-title": "Once"},
    ).content.decode()
    assert "correct the duplicate" in page
    assert "Constraint" not in page
    assert Curriculum.objects.count() == 1


def test_categories(staff: Client) -> None:
    category = CategoryFactory.create(name="Music", slug="music")
    form = {"name": "Music", "slug": "music", "icon": "Music", "position": 0}
    errors = refuse(staff, "courses/category/add", form)
    assert errors == {
        "name": ["Category with this Name already exists."],
        "slug": ["Category with this Slug already exists."],
    }
    path = f"courses/category/{category.id}/change"
    assert set(refuse(staff, path, {**form, "position": "-1"})) == {"position"}


def test_people(staff: Client) -> None:
    words = {"email": ["An account with this e-mail already exists"]}
    UserFactory.create(email="ada@example.test")
    other = UserFactory.create()
    form = {"email": "Ada@Example.test", "first_name": "Ada", "last_name": "Fox"}
    password = {"usable_password": "true", "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    assert refuse(staff, "users/user/add", {**form, **password}) == words
    profile = {
        "profile-TOTAL_FORMS": 1, "profile-INITIAL_FORMS": 1, "profile-0-id": other.profile.pk,
        "profile-0-user": other.pk,
    }  # fmt: skip
    assert refuse(staff, f"users/user/{other.pk}/change", {**form, **profile}) == words
    kept = {**form, **profile, "email": other.email.upper()}
    assert staff.post(f"/admin/users/user/{other.pk}/change/", kept).status_code == 302


def test_shares(staff: Client) -> None:
    course = CourseFactory.create()
    form = {"course": str(course.id), "percent": "101"}
    words = {"percent": ["Ensure this value is less than or equal to 100."]}
    assert refuse(staff, "payments/revenueshare/add", form) == words
    staff.post("/admin/payments/revenueshare/add/", {**form, "percent": "100"})
    share = RevenueShare.objects.get()
    assert refuse(staff, f"payments/revenueshare/{share.id}/change", form) == words
    errors = refuse(staff, "payments/revenueshare/add", {**form, "percent": "50"})
    assert errors == {"course": ["Revenue share with this Course already exists."]}


def test_enrolments(staff: Client) -> None:
    known = EnrollmentFactory.create()
    form = {"user": str(known.user_id), "course": str(known.course_id)}
    errors = refuse(staff, "enrollments/enrollment/add", form)
    assert AlreadyEnrolled.message in errors["__all__"]


# Constraints that staff could run into: refused in words by the tests above, and the coupons' own.
SPOKEN = {
    "coupon_one_kind", "coupon_percent_bounded", "coupon_amount_positive",
    "coupon_code_upper_case", "coupon_dates_in_order", "coupon_one_scope",
    "coupon_minimum_positive", "course_price_not_negative",
    "course_original_price_not_below_price", "course_level_closed", "course_slug_not_reserved",
    "section_order_unique", "lesson_order_unique", "user_email_unique_any_case",
    "user_email_lower_case", "revenue_share_percent_bounded", "enrollment_once",
}  # fmt: skip


def test_no_constraint_within_staffs_reach_is_forgotten(rf: RequestFactory) -> None:
    """A new constraint on a field that staff type into comes with words, tried above."""
    request = rf.get(reverse("admin:index"))
    request.user = StaffFactory.create()
    within_reach = set()
    for model_admin in admin.site._registry.values():
        may = (model_admin.has_add_permission, model_admin.has_change_permission)
        typed = [model_admin.get_form(request)] if any(allows(request) for allows in may) else []
        for inline in model_admin.get_inline_instances(request):
            typed.append(inline.get_formset(request).form)
        within_reach |= {
            constraint.name
            for form in typed
            for constraint in form._meta.model._meta.constraints
            for field in form.base_fields
            if re.search(rf"\b{field}(__\w+)?\b", repr(constraint))
        }
    assert within_reach == SPOKEN
