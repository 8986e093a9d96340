"""Files of a course: its picture, and the whole of it as one file."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
)
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView

from core.serializers import ApiSerializer
from core.urls import absolute, media_url
from courses import media, portability
from courses.portability.examples import COURSE_FILE, FAULTS, IMPORTED, SYNTAX_FAULT, THUMBNAIL
from courses.portability.faults import Fault, refuse
from courses.portability.parsers import (
    CourseFileParser,
    RawJSONParser,
    RawZipParser,
    ThumbnailParser,
)
from courses.portability.serializers import (
    CourseDocumentSerializer,
    CourseFileUploadSerializer,
    ImportedCourseSerializer,
    ThumbnailSerializer,
    ThumbnailUploadSerializer,
)
from courses.services.thumbnails import remove_thumbnail, set_thumbnail
from courses.views.authors import REFUSALS, author_of

_TOO_LARGE = OpenApiResponse(description="Far too large to be read at all")
_UPLOAD: dict[str, Any] = {
    "tags": ["Authoring"],
    "summary": "Set the thumbnail",
    "description": (
        "JPEG, PNG or WebP, as form data: judged by its content, at least 640 by 360 pixels, at "
        "most 5 MiB (setting `COURSE_THUMBNAIL_MAX_BYTES`), one side at most four times the "
        "other; 16:9 looks best. It is stripped of metadata and stored as WebP in three widths, "
        "never enlarged. A new picture gets new addresses, so each may be cached for ever. "
        "`PUT` and `POST` are the same."
    ),
    "request": {"multipart/form-data": ThumbnailUploadSerializer},
    "responses": {200: ThumbnailSerializer, **REFUSALS, 413: _TOO_LARGE},
    "examples": [THUMBNAIL],
}


class _ExportQuerySerializer(ApiSerializer):
    format = serializers.ChoiceField(choices=["json", "zip"], default="json")


class ThumbnailView(APIView):
    """The picture of a course."""

    parser_classes = [ThumbnailParser]

    @extend_schema(operation_id="courses_thumbnail_set", **_UPLOAD)
    def put(self, request: Request, reference: str) -> Response:
        return self._set(request, reference)

    @extend_schema(operation_id="courses_thumbnail_upload", **_UPLOAD)
    def post(self, request: Request, reference: str) -> Response:
        return self._set(request, reference)

    @extend_schema(
        tags=["Authoring"],
        operation_id="courses_thumbnail_delete",
        summary="Remove the thumbnail",
        description="Afterwards `thumbnail` is null. Nothing happens when it already is.",
        responses={204: OpenApiResponse(description="Removed"), **REFUSALS},
    )
    def delete(self, request: Request, reference: str) -> Response:
        remove_thumbnail(author=author_of(request), reference=reference)
        return Response(status=204)

    def _set(self, request: Request, reference: str) -> Response:
        body = ThumbnailUploadSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        name = set_thumbnail(
            author=author_of(request),
            reference=reference,
            upload=body.validated_data["thumbnail"],
        )
        return Response({"thumbnail": media_url(name), "thumbnails": media.thumbnail_urls(name)})


class CourseExportView(APIView):
    """A whole course as a file."""

    @extend_schema(
        tags=["Authoring"],
        operation_id="courses_export",
        summary="Export a course",
        description=(
            "Everything its author wrote, as one `learnflow-course/1` document that "
            "`POST /courses/import/` takes. `format=zip` has the document as `course.json` with "
            "the thumbnail beside it; `json` is the document alone. No ids, dates, counters or "
            "status. The same course gives the same bytes."
        ),
        parameters=[
            OpenApiParameter("format", str, enum=["json", "zip"], default="json"),
        ],
        responses={
            (200, "application/json"): CourseDocumentSerializer,
            (200, "application/zip"): OpenApiTypes.BINARY,
            **REFUSALS,
            422: OpenApiResponse(description="The format isn't known"),
        },
        examples=[COURSE_FILE],
    )
    def get(self, request: Request, reference: str) -> HttpResponse:
        query = _ExportQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        is_zip = query.validated_data["format"] == "zip"
        export = portability.export_zip if is_zip else portability.export_json
        file = export(author=author_of(request), reference=reference)
        return HttpResponse(
            file.content,
            content_type=file.content_type,
            headers={
                "Content-Disposition": f'attachment; filename="{file.name}"',
                # Drafts are nobody else's, and the next moment may be edited.
                "Cache-Control": "private, no-store",
            },
        )


class CourseImportView(APIView):
    """A file to a draft."""

    parser_classes = [RawJSONParser, RawZipParser, CourseFileParser]

    @extend_schema(
        tags=["Authoring"],
        operation_id="courses_import",
        summary="Import a course",
        description=(
            "Makes the course in the file a draft of the person signed in. The file is what the "
            "export gave, or anything that follows `learnflow-course/1`: JSON or ZIP as the body, "
            "or either as form data. It is taken whole or not at all: a refusal names each fault "
            "(up to 100) by its JSON path, or by line and column where it isn't JSON. A slug that "
            "is taken gets a number. Sections and lessons stand in the order of the lists."
        ),
        request={
            "application/json": CourseDocumentSerializer,
            "application/zip": OpenApiTypes.BINARY,
            "multipart/form-data": CourseFileUploadSerializer,
        },
        responses={
            201: ImportedCourseSerializer,
            400: OpenApiResponse(
                description=(
                    "`COURSE_FILE_MALFORMED`: unreadable, or values missing or of wrong types"
                )
            ),
            403: OpenApiResponse(description="`INSTRUCTOR_REQUIRED`: not an instructor"),
            413: _TOO_LARGE,
            422: OpenApiResponse(
                description="`COURSE_FILE_INVALID`: values not acceptable; `QUOTA_EXCEEDED`"
            ),
            429: OpenApiResponse(description="Enough files for a day"),
        },
        examples=[COURSE_FILE, IMPORTED, SYNTAX_FAULT, FAULTS],
    )
    def post(self, request: Request) -> Response:
        course = portability.import_course(author=author_of(request), content=_get_content(request))
        place = reverse("course-detail", kwargs={"reference": course.id})
        row = {
            "id": course.id,
            "title": course.title,
            "slug": course.slug,
            "status": course.status,
            "thumbnail": media_url(course.thumbnail),
            "sections_count": course.sections_count,
            "lessons_count": course.lessons_count,
        }
        return Response(row, status=201, headers={"Location": absolute(place)})


def _get_content(request: Request) -> bytes:
    """Return the course file, sent as the body or in a form."""
    data: Any = request.data
    if isinstance(data, bytes):
        return data
    if not data:
        refuse([Fault("$", "The body is empty.", malformed=True)])
    body = CourseFileUploadSerializer(data=data)
    body.is_valid(raise_exception=True)
    content: bytes = body.validated_data["file"].read()
    return content
