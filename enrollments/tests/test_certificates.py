"""Certificates: made once by a worker, verified and downloaded by anybody with the serial."""

import datetime as dt
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from celery.exceptions import SoftTimeLimitExceeded
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from courses.models import Course
from enrollments import selectors, services
from enrollments.certificates import CertificateFacts
from enrollments.errors import CertificateNotFound
from enrollments.models import Certificate, Enrollment, private_storage
from enrollments.serializers import CertificateSerializer
from enrollments.services import certificates as certificate_services
from enrollments.tasks import issue_missing_certificates
from enrollments.tests.buying import enroll_buyer
from tests.factories import EnrollmentFactory, StaffFactory, sign_in
from users.models import User

pytestmark = pytest.mark.django_db

REFUND = services.Reason.of_refund(uuid4())

Complete = Callable[[Enrollment], None]
Recorded = Callable[[str], list[dict[str, str]]]


@pytest.fixture
def certificate(enrollment: Enrollment, complete: Complete) -> Certificate:
    """A certificate without a file yet."""
    complete(enrollment)
    return Certificate.objects.get(enrollment=enrollment)


def url(certificate: Certificate, *, download: bool = False) -> str:
    return f"/api/v1/certificates/{certificate.serial}/{'download/' if download else ''}"


def test_a_name_that_cannot_be_printed_holds_the_certificate_back(
    certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    Certificate.objects.update(student_name="अमित", course_title="Learn 🐍")
    issue_missing_certificates()
    certificate.refresh_from_db()
    assert not certificate.file
    assert services.explain_held(certificate=certificate) == ("अ", "मि", "त")
    staff = Client()
    staff.force_login(StaffFactory.create())
    page = staff.get("/admin/enrollments/certificate/").content.decode()
    assert "No font has अ, मि, त" in page
    monkeypatch.setattr(certificate_services, "find_unsettable", lambda *_, **__: ())
    Certificate.objects.update(next_attempt_at=timezone.now())
    assert issue_missing_certificates() == 1
    certificate.refresh_from_db()
    assert certificate.file


def test_a_worker_makes_the_file_once(certificate: Certificate, recorded: Recorded) -> None:
    assert issue_missing_certificates() == 1
    assert issue_missing_certificates() == 0
    certificate.refresh_from_db()
    assert certificate.file.name == f"certificates/{certificate.serial}.pdf"
    assert certificate.rendered_at is not None
    with certificate.file.open("rb") as file:
        assert file.read(5) == b"%PDF-"
    assert recorded("enrollments.certificate_issued") == [
        {
            "certificate_id": str(certificate.id),
            "user_id": str(certificate.user_id),
            "course_id": str(certificate.course_id),
        }
    ]


def test_names_are_frozen_at_issue(
    certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, title = certificate.student_name, certificate.course_title
    assert certificate.user is not None
    User.objects.filter(id=certificate.user.id).update(first_name="Somebody", last_name="Else")
    Course.objects.update(title="Another title")
    seen: list[CertificateFacts] = []

    def render(facts: CertificateFacts) -> bytes:
        seen.append(facts)
        return b"%PDF-"

    monkeypatch.setattr(certificate_services, "render_certificate", render)
    issue_missing_certificates()
    (facts,) = seen
    assert (facts.student_name, facts.course_title) == (name, title)
    assert facts.verify_url == f"http://testserver{url(certificate)}"


def test_a_failure_is_tried_again_later_and_later(
    certificate: Certificate, recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(facts: object) -> bytes:
        raise OSError("no space left")

    monkeypatch.setattr(certificate_services, "render_certificate", fail)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        assert issue_missing_certificates() == 1
        assert issue_missing_certificates() == 0
        clock.shift(31)
        assert issue_missing_certificates() == 1
        clock.shift(31)
        assert issue_missing_certificates() == 0
        clock.shift(30)
        monkeypatch.undo()
        assert issue_missing_certificates() == 1
    certificate.refresh_from_db()
    assert certificate.file
    assert len(recorded("enrollments.certificate_issued")) == 1


def test_a_workers_time_that_is_up_ends_its_turn(
    certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    def take_too_long(facts: object) -> bytes:
        raise SoftTimeLimitExceeded

    monkeypatch.setattr(certificate_services, "render_certificate", take_too_long)
    with pytest.raises(SoftTimeLimitExceeded):
        issue_missing_certificates()
    certificate.refresh_from_db()
    assert not certificate.file


def test_back_off_ends_at_an_hour() -> None:
    assert certificate_services._back_off_delay(1) == dt.timedelta(seconds=30)
    assert certificate_services._back_off_delay(500) == dt.timedelta(hours=1)


def test_a_worker_killed_after_writing_leaves_it_due(
    certificate: Certificate, recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(**kwargs: object) -> None:
        raise SystemExit

    with time_machine.travel(timezone.now(), tick=False) as clock:
        monkeypatch.setattr(certificate_services, "_attach", die)
        with pytest.raises(SystemExit):
            issue_missing_certificates()
        monkeypatch.undo()
        clock.shift(31)
        assert issue_missing_certificates() == 1
    certificate.refresh_from_db()
    assert certificate.file.name == f"certificates/{certificate.serial}.pdf"
    _, files = private_storage().listdir("certificates")
    assert [name for name in files if certificate.serial in name] == [f"{certificate.serial}.pdf"]
    assert len(recorded("enrollments.certificate_issued")) == 1


def test_made_anew_it_is_not_announced_again(certificate: Certificate, recorded: Recorded) -> None:
    issue_missing_certificates()
    actor = StaffFactory.create()
    services.rerender_certificates(certificate_ids=[certificate.id], actor_id=actor.id)
    assert issue_missing_certificates() == 1
    assert len(recorded("enrollments.certificate_issued")) == 1


def test_a_revoked_one_is_not_made(certificate: Certificate, enrollment: Enrollment) -> None:
    services.revoke_enrollments(enrollment_ids=[enrollment.id], reason=REFUND)
    assert issue_missing_certificates() == 0
    enroll_buyer(user_id=enrollment.user_id, course_ids=[enrollment.course_id])
    assert issue_missing_certificates() == 1


def test_a_batch_is_bounded(complete: Complete, enrollment: Enrollment) -> None:
    for _ in range(3):
        complete(EnrollmentFactory.create(course=enrollment.course))
    assert services.render_due_certificates(limit=2) == 2
    assert services.render_due_certificates(limit=2) == 1


class TestVerification:
    def test_before_and_after_the_file(self, certificate: Certificate, api: APIClient) -> None:
        before = api.get(url(certificate)).json()
        assert before["valid"] is True
        assert before["download_url"] is None
        issue_missing_certificates()
        body = api.get(url(certificate)).json()
        assert body == {
            "serial": certificate.serial,
            "valid": True,
            "student_name": certificate.student_name,
            "course_id": str(certificate.course_id),
            "course_title": "Rivers",
            "instructor_name": certificate.instructor_name,
            "hours": 0.67,
            "issued_at": certificate.issued_at.isoformat().replace("+00:00", "Z"),
            "revoked_at": None,
            "download_url": f"http://testserver{url(certificate, download=True)}",
        }

    def test_as_somebody_types_it(self, certificate: Certificate, api: APIClient) -> None:
        typed = certificate.serial.replace("-", "").lower()
        body = api.get(f"/api/v1/certificates/{typed}/").json()
        assert body["serial"] == certificate.serial

    @pytest.mark.parametrize(
        "serial", ["LF-0000-0000-0000-0001", "nonsense", "LF-7K2M-9QXD-4TBR-0WHC", "%00"]
    )
    @pytest.mark.parametrize("suffix", ["", "download/"])
    def test_an_unknown_serial(
        self, serial: str, suffix: str, api: APIClient, certificate: Certificate
    ) -> None:
        response = api.get(f"/api/v1/certificates/{serial}/{suffix}")
        assert response.status_code == 404
        assert response.json()["error"]["code"] == "CERTIFICATE_NOT_FOUND"

    def test_after_a_refund(
        self, certificate: Certificate, enrollment: Enrollment, api: APIClient
    ) -> None:
        issue_missing_certificates()
        services.revoke_enrollments(enrollment_ids=[enrollment.id], reason=REFUND)
        body = api.get(url(certificate)).json()
        assert (body["valid"], body["download_url"]) == (False, None)
        assert body["revoked_at"] is not None
        assert api.get(url(certificate, download=True)).status_code == 404

    def test_one_query(
        self, certificate: Certificate, api: APIClient, django_assert_num_queries: Any
    ) -> None:
        with django_assert_num_queries(1):
            api.get(url(certificate))


class TestDownload:
    def test_anybody_with_the_serial_gets_the_pdf(
        self, certificate: Certificate, api: APIClient
    ) -> None:
        issue_missing_certificates()
        response = api.get(url(certificate, download=True))
        content = b"".join(response.streaming_content)  # type: ignore[attr-defined]
        response.close()
        assert response.status_code == 200
        assert content.startswith(b"%PDF-")
        assert response["Content-Type"] == "application/pdf"
        assert response["Content-Disposition"] == (
            f'attachment; filename="{certificate.serial}.pdf"'
        )
        assert response["Content-Length"] == str(len(content))

    def test_not_ready(self, certificate: Certificate, api: APIClient) -> None:
        response = api.get(url(certificate, download=True))
        assert response.status_code == 404
        assert response.json()["error"]["code"] == "CERTIFICATE_NOT_READY"

    def test_a_lost_file(self, certificate: Certificate, api: APIClient) -> None:
        issue_missing_certificates()
        private_storage().delete(f"certificates/{certificate.serial}.pdf")
        response = api.get(url(certificate, download=True))
        assert response.json()["error"]["code"] == "CERTIFICATE_NOT_READY"


def test_by_its_id(certificate: Certificate) -> None:
    row = selectors.get_certificate(certificate_id=certificate.id)
    assert row == selectors.verify_certificate(serial=certificate.serial)
    assert set(row) == set(CertificateSerializer().fields)
    with pytest.raises(CertificateNotFound):
        selectors.get_certificate(certificate_id=uuid4())


def test_the_enrolment_says_where_it_is(certificate: Certificate, enrollment: Enrollment) -> None:
    client = sign_in(enrollment.user)
    detail = f"/api/v1/enrollments/{enrollment.id}/"
    assert client.get(detail).json()["certificate_url"] is None
    issue_missing_certificates()
    expected = f"http://testserver{url(certificate, download=True)}"
    assert client.get(detail).json()["certificate_url"] == expected
    assert client.get("/api/v1/enrollments/").json()["results"][0]["certificate_url"] == expected
