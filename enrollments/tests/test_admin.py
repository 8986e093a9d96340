"""Staff at work in the admin: access goes through the services."""

from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from core.models import AuditEntry
from courses.models import Course, CourseStats
from enrollments import admin_forms, services
from enrollments.models import AccessHold, Certificate, Enrollment
from enrollments.tasks import issue_missing_certificates
from tests.admin_browser import AdminBrowser, find_what_was_shown
from tests.factories import CourseFactory, EnrollmentFactory, StaffFactory, UserFactory
from tests.parallel import Beside
from users.models import User

pytestmark = pytest.mark.django_db

GRANT = "/admin/enrollments/enrollment/add/"


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


def test_people_and_courses_are_looked_up_and_not_listed(admin: Client) -> None:
    user, course = UserFactory.create(), CourseFactory.create()
    page = admin.get(GRANT).content.decode()
    assert page.count("admin-autocomplete") >= 2
    assert user.email not in page
    assert str(course.id) not in page
    given = admin.post(GRANT, {"user": str(user.id)}).content.decode()
    assert user.email in given, "what was chosen stays chosen"


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


def try_to_grant(admin: Client, row: Enrollment, **told: str) -> tuple[str, dict[str, str]]:
    """What the form answers, as text, and what it says that it has shown."""
    data = {"user": str(row.user_id), "course": str(row.course_id), **told}
    answer = admin.post(GRANT, data)
    assert answer.status_code == 200
    (error,) = answer.context["adminform"].form.non_field_errors()
    return error, find_what_was_shown(answer)


def grant(admin: Client, row: Enrollment, shown: dict[str, str]) -> None:
    data = {"user": str(row.user_id), "course": str(row.course_id), **shown}
    assert admin.post(GRANT, data).status_code == 302
    row.refresh_from_db()
    assert (row.status, row.source) == ("active", "staff")


def revoke(row: Enrollment, note: str) -> User:
    clerk = StaffFactory.create()
    reason = services.Reason.of_staff(note)
    services.revoke_enrollments(enrollment_ids=[row.id], reason=reason, actor_id=clerk.id)
    return clerk


def test_what_was_taken_away_is_granted_after_a_look_at_why(
    admin: Client, enrollment: Enrollment
) -> None:
    clerk = revoke(enrollment, "Fraud, see ticket 17")
    for made_up in ({}, {"shown": ""}):
        error, shown = try_to_grant(admin, enrollment, **made_up)
    since = AccessHold.objects.get().created_at
    why = f"Revoked by staff ({clerk.email}) since {since:%d %B %Y, %H:%M} UTC: Fraud, see ticket"
    assert why in error
    assert "changed" not in error
    enrollment.refresh_from_db()
    assert enrollment.status == "revoked"
    assert not AuditEntry.objects.filter(action="enrollment.granted").exists()
    grant(admin, enrollment, shown)
    told = AuditEntry.objects.get(action="enrollment.granted")
    assert told.target_id == str(enrollment.id)
    assert not [one for one in AuditEntry.objects.all() if "shown" in str(one.details)]


def test_what_money_took_away_says_so(admin: Client, enrollment: Enrollment) -> None:
    for reason in (services.Reason.of_dispute(uuid4()), services.Reason.of_refund(uuid4())):
        services.revoke_enrollments(enrollment_ids=[enrollment.id], reason=reason)
    error, shown = try_to_grant(admin, enrollment)
    assert "Revoked by a lost dispute since" in error
    assert "Revoked by a refund since" in error
    grant(admin, enrollment, shown)


def test_what_was_taken_away_for_no_known_reason_is_shown_too(admin: Client) -> None:
    old = EnrollmentFactory.create(status="revoked")
    AccessHold.objects.all().delete()
    error, shown = try_to_grant(admin, old)
    assert "Nothing is written down of why" in error
    grant(admin, old, shown)


def test_another_reason_is_shown_before_it_is_ended(admin: Client, enrollment: Enrollment) -> None:
    revoke(enrollment, "Fraud")
    _, older = try_to_grant(admin, enrollment)
    services.lift_staffs_reason(enrollment_ids=[enrollment.id], actor_id=uuid4())
    revoke(enrollment, "Resold it")
    error, shown = try_to_grant(admin, enrollment, **older)
    assert error.startswith("This changed since it was shown.")
    assert "Resold it" in error
    enrollment.refresh_from_db()
    assert enrollment.status == "revoked"
    grant(admin, enrollment, shown)


def test_what_was_shown_of_another_enrolment_grants_nothing(
    admin: Client, enrollment: Enrollment
) -> None:
    other = EnrollmentFactory.create(status="revoked")
    revoke(enrollment, "Fraud")
    _, shown = try_to_grant(admin, other)
    assert "Fraud" in try_to_grant(admin, enrollment, **shown)[0]


def test_a_suspended_one_is_refused_with_its_reasons(admin: Client, enrollment: Enrollment) -> None:
    reason = services.Reason.of_dispute(uuid4())
    services.suspend_enrollments(enrollment_ids=[enrollment.id], reason=reason)
    error, shown = try_to_grant(admin, enrollment)
    assert "already" in error
    assert "Suspended by a dispute since" in error
    assert shown == {"shown": ""}


@pytest.mark.django_db(transaction=True)
def test_nobody_takes_it_away_between_the_look_and_the_granting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without the enrolment's lock a decision that nobody saw would be ended."""
    admin = Client()
    admin.force_login(StaffFactory.create())
    row = EnrollmentFactory.create(status="revoked")
    _, shown = try_to_grant(admin, row)
    tell, begun = admin_forms._tell, []

    def tell_while_another_decides(holds: list[AccessHold]) -> list[str]:
        told = tell(holds)
        reason = services.Reason.of_refund(uuid4())
        begun.append(
            Beside(lambda: services.revoke_enrollments(enrollment_ids=[row.id], reason=reason))
        )
        return told

    monkeypatch.setattr(admin_forms, "_tell", tell_while_another_decides)
    data = {"user": str(row.user_id), "course": str(row.course_id), **shown}
    assert admin.post(GRANT, data).status_code == 302
    (deciding,) = begun
    assert deciding.had_to_wait
    assert deciding.result() == 1
    row.refresh_from_db()
    assert (row.status, row.source) == ("revoked", "staff")


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
