"""Certificates, for whoever holds the serial: no login (contract "Learning")."""

from django.http import FileResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from enrollments import selectors
from enrollments.serializers import CertificateSerializer

_SERIAL = "LF-7K2M-9QXD-4TBR-0WHC"
_CERTIFICATE = {
    "serial": _SERIAL,
    "valid": True,
    "student_name": "John Doe",
    "course_id": "019b76da-a800-7c3e-8f5d-3c1f0a5b7e21",
    "course_title": "Complete Web Development Bootcamp 2026",
    "instructor_name": "Angela Yu",
    "hours": 52,
    "issued_at": "2026-01-27T10:00:00Z",
    "revoked_at": None,
    "download_url": f"http://127.0.0.1:8000/api/v1/certificates/{_SERIAL}/download/",
}


class CertificateView(APIView):
    """Public verification."""

    permission_classes = [AllowAny]
    throttle_scope = "verify"

    @extend_schema(
        operation_id="certificates_verify",
        tags=["Certificates"],
        summary="Verify a certificate",
        description=(
            "Anybody who holds the serial sees what it proves. Letters in any case, with or "
            "without dashes. `valid` is false for a certificate that was revoked, e.g. as the "
            "course was refunded; `download_url` is null then, and until the file is made."
        ),
        responses={
            200: CertificateSerializer,
            404: OpenApiResponse(description="`CERTIFICATE_NOT_FOUND`: no such serial"),
        },
        examples=[OpenApiExample("A certificate", value=_CERTIFICATE, response_only=True)],
    )
    def get(self, request: Request, serial: str) -> Response:
        row = selectors.verify_certificate(serial=serial)
        return Response(CertificateSerializer(row).data)


class CertificateDownloadView(APIView):
    """The PDF. The serial is the secret: it can't be guessed."""

    permission_classes = [AllowAny]
    throttle_scope = "verify"

    @extend_schema(
        operation_id="certificates_download",
        tags=["Certificates"],
        summary="Download a certificate",
        description="The certificate as a PDF.",
        responses={
            (200, "application/pdf"): OpenApiTypes.BINARY,
            404: OpenApiResponse(
                description=(
                    "`CERTIFICATE_NOT_FOUND`: no such serial, or revoked; "
                    "`CERTIFICATE_NOT_READY`: its file is still being made"
                )
            ),
        },
    )
    def get(self, request: Request, serial: str) -> FileResponse:
        filename, file = selectors.open_certificate(serial=serial)
        response = FileResponse(
            file, as_attachment=True, filename=filename, content_type="application/pdf"
        )
        # A revoked certificate must not be handed out by a cache on the way.
        response["Cache-Control"] = "private, no-store"
        return response
