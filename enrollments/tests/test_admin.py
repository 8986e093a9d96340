"""Staff at work in the admin: access goes through the services."""

from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from core.models import AuditEntry
from courses.models import Course, CourseStats
from enrollments import services
from enrollments.models import AccessHold, Certificate, Enrollment
from enrollments.tasks import issue_missing_certificates
from tests.admin_browser import AdminBrowser
from tests.factories import CourseFactory, EnrollmentFactory, StaffFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin() -> Client:
    client = AdminBrowser()
    client.force_login(StaffFactory.create())
    return client


def run(admin: Client, model: str, action: str, pk: object) -> None:
    response = admin.post(
        f"/admin/enrollments/{model}/",
        {
            "action": action, "_selected_action": [str(pk)], "confirmed": "yes",
            "reason": "shared the password",
        },
    )  # fmt: skip
    assert response.status_code == 302


def test_pages_open(admin: Client, enrollment: Enrollment, complete) -> None:
    complete(enrollment)
    certificate = Certificate.objects.get()
    for path in (
        "enrollment/", "enrollment/add/", f"enrollment/{enrollment.id}/change/",
        "enrollment/?q=rivers", "certificate/", f"certificate/{certificate.id}/change/",
    ):  # fmt: skip
        assert admin.get(f"/admin/enrollments/{path}").status_code == 200


def test_add_grants_access(admin: Client) -> None:
    user, course = UserFactory.create(), CourseFactory.create()
    data = {"user": str(user.id), "course": str(course.id)}
    assert admin.post("/admin/enrollments/enrollment/add/", data).status_code == 302
    granted = Enrollment.objects.get()
    assert (granted.user_id, granted.source, granted.status) == (user.id, "staff", "active")
    assert CourseStats.objects.get(course=course).student_count == 1
    assert AuditEntry.objects.filter(action="enrollment.granted").count() == 1


def test_granting_twice_is_an_error_of_the_form(admin: Client, enrollment: Enrollment) -> None:
    data = {"user": str(enrollment.user_id), "course": str(enrollment.course_id)}
    response = admin.post("/admin/enrollments/enrollment/add/", data)
    assert response.status_code == 200
    assert b"already" in response.content
    assert Enrollment.objects.count() == 1


def test_granting_brings_a_revoked_one_back(admin: Client) -> None:
    old = EnrollmentFactory.create(status="revoked")
    data = {"user": str(old.user_id), "course": str(old.course_id)}
    assert admin.post("/admin/enrollments/enrollment/add/", data).status_code == 302
    old.refresh_from_db()
    assert (old.status, old.source) == ("active", "staff")


def test_actions_change_access(admin: Client, enrollment: Enrollment) -> None:
    for action, status in (
        ("suspend", "suspended"), ("resume", "active"), ("revoke", "revoked"),
    ):  # fmt: skip
        run(admin, "enrollment", action, enrollment.id)
        enrollment.refresh_from_db()
        assert enrollment.status == status
    actions = AuditEntry.objects.order_by("id").values_list("action", flat=True)
    assert list(actions) == ["enrollment.suspended", "enrollment.resumed", "enrollment.revoked"]
    page = admin.get(f"/admin/enrollments/enrollment/{enrollment.id}/change/").content.decode()
    assert page.count("shared the password") == 2


def test_staff_say_why_before_anything_is_done(admin: Client, enrollment: Enrollment) -> None:
    for given in ({}, {"confirmed": "yes", "reason": " "}):
        for action in ("suspend", "revoke"):
            data = {"action": action, "_selected_action": [str(enrollment.id)], **given}
            page = admin.post("/admin/enrollments/enrollment/", data)
            assert page.status_code == 200
            assert b"for staff to read" in page.content
    enrollment.refresh_from_db()
    assert enrollment.status == "active"


def test_staff_lift_only_what_staff_decided(admin: Client, enrollment: Enrollment) -> None:
    services.suspend_enrollments(
        enrollment_ids=[enrollment.id], reason=services.Reason.of_dispute(uuid4())
    )
    run(admin, "enrollment", "suspend", enrollment.id)
    run(admin, "enrollment", "resume", enrollment.id)
    enrollment.refresh_from_db()
    assert enrollment.status == "suspended"
    assert AccessHold.objects.get(ended_at=None).cause == "dispute"


def test_nothing_is_edited_or_deleted_by_hand(admin: Client, enrollment: Enrollment) -> None:
    path = f"/admin/enrollments/enrollment/{enrollment.id}"
    admin.post(f"{path}/change/", {"status": "revoked", "progress_percent": 99})
    enrollment.refresh_from_db()
    assert (enrollment.status, enrollment.progress_percent) == ("active", 0)
    assert admin.post(f"{path}/delete/", {"post": "yes"}).status_code == 403


def test_certificates_are_made_anew_and_revoked(
    admin: Client, course: Course, enrollment: Enrollment, complete
) -> None:
    complete(enrollment)
    issue_missing_certificates()
    certificate = Certificate.objects.get()
    run(admin, "certificate", "rerender", certificate.id)
    assert issue_missing_certificates() == 1
    run(admin, "certificate", "revoke", certificate.id)
    certificate.refresh_from_db()
    assert certificate.revoked_because == "staff"


def test_looking_is_not_deciding(enrollment: Enrollment, complete) -> None:
    complete(enrollment)
    certificate = Certificate.objects.get()
    viewer = StaffFactory.create(is_superuser=False)
    viewer.user_permissions.set(Permission.objects.filter(codename="view_certificate"))
    client = AdminBrowser()
    client.force_login(viewer)
    page = client.get("/admin/enrollments/certificate/")
    assert page.status_code == 200
    assert b'value="revoke"' not in page.content
    data = {"action": "revoke", "_selected_action": [str(certificate.id)]}
    client.post("/admin/enrollments/certificate/", data)
    certificate.refresh_from_db()
    assert certificate.revoked_at is None
