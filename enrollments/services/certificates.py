"""Certificates: the row is made with the completion, the file by a worker afterwards."""

import datetime as dt
import logging
from collections import Counter
from collections.abc import Collection
from decimal import Decimal
from uuid import UUID

from celery.exceptions import SoftTimeLimitExceeded
from django.core.files.base import ContentFile
from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone

from core import audit, outbox
from core.nudge import nudge, nudge_for_rest
from core.typesetting import find_unsettable
from core.urls import absolute
from enrollments.certificates import CertificateFacts, render_certificate
from enrollments.events import CertificateIssued
from enrollments.models import Certificate, Enrollment, private_storage
from enrollments.serials import new_serial
from users import services as user_services

logger = logging.getLogger(__name__)

TASK = "enrollments.tasks.issue_missing_certificates"
# Longer than any rendering takes: after it, a claim without a file belongs to a dead worker.
FIRST_BACKOFF = dt.timedelta(seconds=30)
LONGEST_BACKOFF = dt.timedelta(hours=1)


def create_certificate(*, enrollment: Enrollment, at: dt.datetime) -> Certificate:
    """Create the certificate of a completed enrolment, in the caller's transaction.

    The names are frozen as they are now. A worker makes the file; `CertificateIssued` follows then.
    """
    course, user = enrollment.course, enrollment.user
    certificate = Certificate.objects.create(
        enrollment=enrollment,
        user=user,
        course=course,
        serial=new_serial(),
        student_name=user.full_name,
        course_title=course.title,
        instructor_name=course.instructor.full_name,
        hours=round(Decimal(course.duration_minutes) / 60, 2),
        issued_at=at,
        next_attempt_at=at,
    )
    transaction.on_commit(lambda: nudge(TASK))
    return certificate


def render_due_certificates(*, limit: int = 20) -> int:
    """Make the files of up to `limit` certificates that lack one; returns how many were tried.

    Safe to run at once in many workers, and to be killed anywhere: a claim lapses after half a
    minute (doubling with each failure, an hour at most), and the file is named after the serial.
    """
    tried = 0
    while tried < limit and (certificate := _claim_next()) is not None:
        tried += 1
        try:
            _render(certificate)
        except _HeldBack as exc:
            logger.warning("certificate %s is held back: %s", certificate.serial, exc)
        except SoftTimeLimitExceeded:
            # The worker's time is up: the claim lapses by itself.
            raise
        except Exception:
            logger.exception("certificate %s could not be rendered", certificate.serial)
    nudge_for_rest(TASK, tried=tried, limit=limit)
    return tried


def rerender_certificates(*, certificate_ids: Collection[UUID], actor_id: UUID) -> int:
    """Have the files made anew, e.g. after a change of the design; returns how many. Audited."""
    chosen = Certificate.objects.filter(id__in=certificate_ids)
    with audit.recording(chosen, actor_id=actor_id, action="certificate.rerendered") as held:
        rows = list(held)
        for row in rows:
            row.file, row.attempts, row.next_attempt_at = "", 0, timezone.now()
            row.save(update_fields=["file", "attempts", "next_attempt_at", "updated_at"])
        transaction.on_commit(lambda: nudge(TASK))
    return len(rows)


def revoke_certificates_by_staff(*, certificate_ids: Collection[UUID], actor_id: UUID) -> int:
    """Declare certificates invalid, for good; returns how many were valid until now. Audited.

    Unlike one that fell with its enrolment, such a certificate doesn't come back with a purchase.
    """
    chosen = Certificate.objects.filter(id__in=certificate_ids, revoked_at=None)
    with audit.recording(chosen, actor_id=actor_id, action="certificate.revoked") as held:
        rows = list(held.order_by("id"))
        for row in rows:
            _revoke(row, Certificate.RevokedBecause.STAFF)
        _count(certificates=rows, by=-1)
    return len(rows)


def revoke_certificates(*, enrollments: Collection[Enrollment]) -> None:
    """Take back what completed enrolments earned, as access was revoked; caller's transaction.

    A refunded course proves nothing any more: verification answers `valid: false`.
    """
    rows = list(_of(enrollments).filter(revoked_at=None))
    for row in rows:
        _revoke(row, Certificate.RevokedBecause.ACCESS)
    _count(certificates=rows, enrollments=enrollments, by=-1)


def reinstate_certificates(*, enrollments: Collection[Enrollment]) -> None:
    """Give back what `revoke_certificates` took, as access is back; caller's transaction."""
    rows = list(_of(enrollments).filter(revoked_because=Certificate.RevokedBecause.ACCESS))
    for row in rows:
        row.revoked_at, row.revoked_because, row.next_attempt_at = None, "", timezone.now()
        row.save(update_fields=["revoked_at", "revoked_because", "next_attempt_at", "updated_at"])
    _count(certificates=rows, enrollments=enrollments, by=1)
    if rows:
        transaction.on_commit(lambda: nudge(TASK))


def _of(enrollments: Collection[Enrollment]) -> models.QuerySet[Certificate]:
    return (
        Certificate.objects.select_for_update(no_key=True)
        .filter(enrollment__in=enrollments)
        .order_by("id")
    )


def _revoke(row: Certificate, because: Certificate.RevokedBecause) -> None:
    row.revoked_at, row.revoked_because = timezone.now(), because
    row.save(update_fields=["revoked_at", "revoked_because", "updated_at"])


def _count(
    *,
    certificates: Collection[Certificate],
    enrollments: Collection[Enrollment] = (),
    by: int,
) -> None:
    """Adjust the totals of the people they belong to. Counting locks profiles: each once, in key
    order, and after the certificates, whoever counts."""
    certified = Counter(row.user_id for row in certificates if row.user_id is not None)
    completed = Counter(row.user_id for row in enrollments if row.is_completed)
    for user_id in sorted({*certified, *completed}):
        user_services.adjust_learning(
            user_id=user_id,
            courses_completed=by * completed[user_id],
            certificates=by * certified[user_id],
        )


def _claim_next() -> Certificate | None:
    """Return a certificate that is due, moved ahead so that nobody else takes it meanwhile."""
    now = timezone.now()
    with transaction.atomic():
        certificate = (
            Certificate.objects.select_for_update(skip_locked=True, no_key=True)
            .filter(file="", revoked_at=None, next_attempt_at__lte=now)
            .order_by("next_attempt_at")
            .first()
        )
        if certificate is not None:
            certificate.attempts += 1
            certificate.next_attempt_at = now + _back_off_delay(certificate.attempts)
            certificate.save(update_fields=["attempts", "next_attempt_at", "updated_at"])
    return certificate


def _back_off_delay(attempts: int) -> dt.timedelta:
    doublings = min(attempts - 1, 10)
    return min(FIRST_BACKOFF * (1 << doublings), LONGEST_BACKOFF)


class _HeldBack(Exception):
    """The certificate can't be printed as it should; it is tried again like any that failed."""


def explain_held(*, certificate: Certificate) -> tuple[str, ...]:
    """Return the letters that keep a certificate from being printed; none when it can be. A title
    may lack a symbol that no font has, a name lacks nothing."""
    names = (certificate.student_name, certificate.instructor_name)
    found = [letter for name in names for letter in find_unsettable(name)]
    found += find_unsettable(certificate.course_title, symbols_may_go=True)
    return tuple(dict.fromkeys(found))


def _render(certificate: Certificate) -> None:
    """Write the file outside any transaction: the storage may be across the network."""
    if characters := explain_held(certificate=certificate):
        raise _HeldBack(f"no font has {' '.join(characters)}")
    content = render_certificate(
        CertificateFacts(
            student_name=certificate.student_name,
            course_title=certificate.course_title,
            instructor_name=certificate.instructor_name,
            issued_on=certificate.issued_at.date(),
            hours=certificate.hours,
            serial=certificate.serial,
            verify_url=verification_url(serial=certificate.serial),
        )
    )
    name = private_storage().save(f"certificates/{certificate.serial}.pdf", ContentFile(content))
    _attach(certificate_id=certificate.id, name=name)


def _attach(*, certificate_id: UUID, name: str) -> None:
    """Set the file; whoever is first to do so records the event."""
    with transaction.atomic():
        row = Certificate.objects.select_for_update(no_key=True).get(id=certificate_id)
        if row.file:
            return
        is_first = row.rendered_at is None
        row.file = name
        row.rendered_at = row.rendered_at or timezone.now()
        row.save(update_fields=["file", "rendered_at", "updated_at"])
        if is_first and row.user_id is not None:
            outbox.record(
                CertificateIssued(
                    certificate_id=row.id, user_id=row.user_id, course_id=row.course_id
                )
            )


def verification_url(*, serial: str) -> str:
    """Return the absolute address at which anybody can check the certificate."""
    return absolute(reverse("certificate-detail", kwargs={"serial": serial}))
