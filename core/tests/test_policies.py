"""What browsers are told not to do, on every kind of answer."""

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from core.middleware import NOTHING, ContentSecurityPolicyMiddleware
from tests.factories import StaffFactory, UserFactory, make_course, sign_in

pytestmark = pytest.mark.django_db

PAGES = ["/admin/login/", "/api/docs/", "/api/docs/?script=", "/api/redoc/"]


def policy_of(answer: Any) -> dict[str, str]:
    parts = [part.strip().split(" ", 1) for part in answer["Content-Security-Policy"].split(";")]
    return {name: rest[0] if rest else "" for name, *rest in parts}


@pytest.mark.parametrize("path", [*PAGES, "/admin/", "/nowhere", "/api/v1/nope/", "/health/live/"])
def test_no_script_inline_no_foreign_form_base_or_frame(path: str) -> None:
    policy = policy_of(Client().get(path))
    assert "'unsafe-inline'" not in policy.get("script-src", policy["default-src"])
    assert policy["form-action"] in ("'self'", "'none'")
    assert policy["base-uri"] == policy["frame-ancestors"] == "'none'"


def test_nothing_at_all_is_inline_in_the_admin() -> None:
    client = Client()
    client.force_login(StaffFactory.create())
    for path in ("/admin/", "/admin/courses/course/", "/admin/orders/order/"):
        policy = client.get(path)["Content-Security-Policy"]
        assert policy == ContentSecurityPolicyMiddleware.POLICY
        assert "unsafe" not in policy


def test_files_of_this_machine_carry_a_policy() -> None:
    Path(settings.MEDIA_ROOT).mkdir(parents=True, exist_ok=True)
    Path(settings.MEDIA_ROOT, "drawn.svg").write_text("<svg><script>1</script></svg>")
    for path in ("/static/admin/css/base.css", "/media/drawn.svg", "/media/nothing.svg"):
        with closing(Client().get(path)) as answer:
            assert answer["Content-Security-Policy"].startswith(NOTHING), path


def test_the_documentation_has_no_script_within() -> None:
    for path in ("/api/docs/", "/api/redoc/"):
        html = Client().get(path).content.decode()
        assert html.count("<script") == html.count("<script src=") > 0


def test_what_is_personal_is_kept_by_nobody() -> None:
    course = make_course()
    client = sign_in(UserFactory.create())
    paths = ["auth/me/", "auth/sessions/", "cart/", "wishlist/", "orders/", "enrollments/",
             "users/profile/", "courses/", f"courses/{course.id}/", "courses/nope/"]  # fmt: skip
    for path in paths:
        assert client.get(f"/api/v1/{path}")["Cache-Control"] == "private, no-store", path


def test_what_is_anybodys_may_be_kept() -> None:
    answer = Client().get("/api/v1/courses/")
    assert answer["Cache-Control"].startswith("public, max-age=")
    assert Client().get("/api/v1/auth/me/")["Cache-Control"] == "private, no-store"
