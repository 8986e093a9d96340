"""Files of lessons, for their author. Everybody else gets them at the gate, `/lessons/{id}/`."""

import uuid

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from courses.authoring_serializers import LessonFileUploadSerializer, ShownResourceSerializer
from courses.portability.parsers import LessonFileParser
from courses.services import authoring
from courses.views.authors import NOT_AUTHOR, author_of

_LESSON_ID = "019b76da-b222-7b3c-9d4e-5f6a7b8c9d0e"
_FILE_ID = "019b76da-b333-7c4d-8e5f-6a7b8c9d0e1f"
_FILE = OpenApiExample(
    "A file",
    value={
        "id": _FILE_ID,
        "title": "Slides",
        "size_bytes": 482_133,
        "content_type": "application/pdf",
        "url": f"http://127.0.0.1:8000/api/v1/lessons/{_LESSON_ID}/resources/{_FILE_ID}/",
    },
    response_only=True,
)
_NOT_FOUND = "`COURSE_NOT_FOUND`, `SECTION_NOT_FOUND`, `LESSON_NOT_FOUND`"


class LessonFilesView(APIView):
    """The files of one lesson."""

    parser_classes = [LessonFileParser]

    @extend_schema(
        operation_id="lessons_files_create",
        tags=["Authoring"],
        summary="Add a file to a lesson",
        description=(
            "At the end of its `resources`, as form data: a PDF, ZIP, JPEG, PNG or WebP file by "
            "content, or a text in UTF-8 named .txt, .md, .csv, .json or .ipynb; at most 20 MiB "
            "(setting `LESSON_FILE_MAX_BYTES`). Its `url` gives it to those alone who may open the "
            "lesson."
        ),
        request={"multipart/form-data": LessonFileUploadSerializer},
        responses={
            201: ShownResourceSerializer,
            403: NOT_AUTHOR,
            404: OpenApiResponse(description=_NOT_FOUND),
            409: OpenApiResponse(description="`CURRICULUM_FULL`"),
            413: OpenApiResponse(description="Far too large to be read at all"),
            422: OpenApiResponse(description="`VALIDATION_ERROR`, `QUOTA_EXCEEDED`"),
            429: OpenApiResponse(description="Enough uploads for a day"),
        },
        examples=[_FILE],
    )
    def post(
        self, request: Request, reference: str, section_id: uuid.UUID, lesson_id: uuid.UUID
    ) -> Response:
        body = LessonFileUploadSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        added = authoring.add_lesson_file(
            author=author_of(request),
            reference=reference,
            section_id=section_id,
            lesson_id=lesson_id,
            title=body.validated_data["title"],
            upload=body.validated_data["file"],
        )
        return Response(added, status=201)


class LessonFileView(APIView):
    """One file."""

    @extend_schema(
        operation_id="lessons_files_delete",
        tags=["Authoring"],
        summary="Take a file away from a lesson",
        description="Its address is 404 from then on.",
        responses={
            204: None,
            403: NOT_AUTHOR,
            404: OpenApiResponse(description=f"{_NOT_FOUND} or `RESOURCE_NOT_FOUND`"),
        },
    )
    def delete(
        self,
        request: Request,
        reference: str,
        section_id: uuid.UUID,
        lesson_id: uuid.UUID,
        file_id: uuid.UUID,
    ) -> Response:
        authoring.remove_lesson_file(
            author=author_of(request),
            reference=reference,
            section_id=section_id,
            lesson_id=lesson_id,
            file_id=file_id,
        )
        return Response(status=204)
