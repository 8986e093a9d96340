"""Certificates, for whoever holds the serial."""

import datetime as dt
from decimal import Decimal
from typing import IO, Any, TypedDict
from uuid import UUID

from enrollments.errors import CertificateNotFound, CertificateNotReady
from enrollments.models import Certificate
from enrollments.selectors.learning import download_url
from enrollments.serials import parse_serial


class CertificateRow(TypedDict):
    """What anybody may verify. `valid` is False when it was revoked, e.g. after a refund."""

    serial: str
    valid: bool
    student_name: str
    course_id: UUID
    course_title: str
    instructor_name: str
    hours: Decimal
    issued_at: dt.datetime
    revoked_at: dt.datetime | None
    download_url: str | None


def verify_certificate(*, serial: str) -> CertificateRow:
    """Return the certificate with this serial, typed in any case, with or without dashes.

    Raises CertificateNotFound.
    """
    return _to_row(_get(serial))


def get_certificate(*, certificate_id: UUID) -> CertificateRow:
    """Return the certificate by its id. Raises CertificateNotFound."""
    row = Certificate.objects.filter(id=certificate_id).first()
    if row is None:
        raise CertificateNotFound
    return _to_row(row)


def _to_row(row: Certificate) -> CertificateRow:
    has_file = bool(row.file) and row.revoked_at is None
    return {
        "serial": row.serial,
        "valid": row.revoked_at is None,
        "student_name": row.student_name,
        "course_id": row.course_id,
        "course_title": row.course_title,
        "instructor_name": row.instructor_name,
        "hours": row.hours,
        "issued_at": row.issued_at,
        "revoked_at": row.revoked_at,
        "download_url": download_url(serial=row.serial) if has_file else None,
    }


def open_certificate(*, serial: str) -> tuple[str, IO[Any]]:
    """Return a file name and the open PDF; the caller closes it.

    Raises CertificateNotFound for an unknown serial or a revoked certificate, CertificateNotReady
    while the file is being made.
    """
    row = _get(serial)
    if row.revoked_at is not None:
        raise CertificateNotFound
    if not row.file:
        raise CertificateNotReady
    try:
        return f"{row.serial}.pdf", row.file.open("rb")
    except FileNotFoundError as exc:
        raise CertificateNotReady from exc


def _get(serial: str) -> Certificate:
    canonical = parse_serial(serial)
    row = Certificate.objects.filter(serial=canonical).first() if canonical else None
    if row is None:
        raise CertificateNotFound
    return row
