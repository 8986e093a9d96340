"""Lessons: opening, watching, completing."""

from typing import Any
from uuid import UUID

from django.http import FileResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from enrollments import selectors, services
from enrollments.selectors import OpenedLesson
from enrollments.serializers import (
    LessonMarkSerializer,
    LessonSerializer,
    MarkLessonSerializer,
    WatchedSerializer,
    WatchReportSerializer,
)
from users.authentication import current_user_id
from users.rights import may_open_lessons

_LESSON_ID = "019b76da-c001-7c3e-8f5d-3c1f0a5b7e21"
_ENROLLMENT_ID = "019b76dc-0c11-7b5a-9d3e-2f4a6b8c0d1e"
_MARK = {
    "lesson_id": _LESSON_ID,
    "enrollment_id": _ENROLLMENT_ID,
    "is_completed": True,
    "enrollment_progress": 45,
}
_LESSON = {
    "id": _LESSON_ID,
    "course_id": "019b76da-a800-7c3e-8f5d-3c1f0a5b7e21",
    "section_id": "019b76da-b001-7c3e-8f5d-3c1f0a5b7e21",
    "title": "What is Web Development?",
    "description": "How a page gets from a server to your screen.",
    "order": 1,
    "duration_minutes": 10,
    "is_preview": True,
    "video_url": "https://videos.example.com/what-is-web-development.mp4",
    "resources": [{"title": "Slides", "url": "https://files.example.com/slides.pdf"}],
    "progress": {
        "enrollment_id": _ENROLLMENT_ID,
        "completed": False,
        "watch_time_seconds": 120,
        "position_seconds": 125,
    },
}
_REFUSALS = {
    403: OpenApiResponse(description="`ENROLLMENT_INACTIVE`: suspended or revoked"),
    404: OpenApiResponse(
        description=(
            "`ENROLLMENT_NOT_FOUND`: unknown or another person's; `LESSON_NOT_FOUND`: of another "
            "course, or taken out of this one"
        )
    ),
}


class LessonView(APIView):
    """The one gate to a lesson's media."""

    permission_classes = [AllowAny]
    throttle_scope = "catalogue"

    @extend_schema(
        operation_id="lessons_retrieve",
        tags=["Learning"],
        summary="A lesson with its media",
        description=(
            "A preview is open to everybody, any other lesson to those enrolled in its course, its "
            "instructor and staff. When an enrolled learner opens a lesson for the first time, "
            "the clock starts that bounds its watch time."
        ),
        responses={
            200: LessonSerializer,
            403: OpenApiResponse(description="`LESSON_LOCKED`: enroll in the course first"),
            404: OpenApiResponse(
                description="`LESSON_NOT_FOUND`: unknown, taken out, or of a course not published"
            ),
        },
        examples=[OpenApiExample("A lesson", value=_LESSON, response_only=True)],
    )
    def get(self, request: Request, lesson_id: UUID) -> Response:
        view = services.open_lesson(
            lesson_id=lesson_id,
            viewer_id=request.user.pk,
            opens_all=may_open_lessons(request.user),
        )
        return Response(LessonSerializer(_to_body(view)).data)


class LessonFileContentView(APIView):
    """The content of a lesson's file."""

    permission_classes = [AllowAny]
    throttle_scope = "catalogue"

    @extend_schema(
        operation_id="lessons_resources_retrieve",
        tags=["Learning"],
        summary="Download a lesson's file",
        description="For those who may open the lesson; see there.",
        responses={
            (200, "application/octet-stream"): OpenApiTypes.BINARY,
            403: OpenApiResponse(description="`LESSON_LOCKED`: enroll in the course first"),
            404: OpenApiResponse(description="`LESSON_NOT_FOUND` or `RESOURCE_NOT_FOUND`"),
        },
    )
    def get(self, request: Request, lesson_id: UUID, file_id: UUID) -> FileResponse:
        file = selectors.open_lesson_file(
            lesson_id=lesson_id,
            file_id=file_id,
            viewer_id=request.user.pk,
            opens_all=may_open_lessons(request.user),
        )
        response = FileResponse(
            file.stream, as_attachment=True, filename=file.name, content_type=file.content_type
        )
        # Whoever loses access must not get it from a cache on the way.
        response["Cache-Control"] = "private, no-store"
        return response


class MarkLessonCompleteView(APIView):
    """Completing a lesson."""

    @extend_schema(
        operation_id="enrollments_mark_lesson_complete",
        tags=["Learning"],
        summary="Complete a lesson",
        description=(
            "Again changes nothing. With the last lesson the course is completed, and a worker "
            "makes the certificate: `certificate_url` of the enrollment follows in a moment."
        ),
        request=MarkLessonSerializer,
        responses={200: LessonMarkSerializer, **_REFUSALS},
        examples=[
            OpenApiExample("A lesson", value={"lesson_id": _LESSON_ID}, request_only=True),
            OpenApiExample("Completed", value=_MARK, response_only=True),
        ],
    )
    def post(self, request: Request, enrollment_id: UUID) -> Response:
        body = MarkLessonSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        mark = services.mark_lesson_complete(
            user_id=current_user_id(request),
            enrollment_id=enrollment_id,
            lesson_id=body.validated_data["lesson_id"],
        )
        return Response(LessonMarkSerializer(mark).data)


class LessonCompletionView(APIView):
    """Taking a completion back."""

    @extend_schema(
        operation_id="enrollments_lesson_completion_destroy",
        tags=["Learning"],
        summary="Take a lesson's completion back",
        description=(
            "The progress falls. A course completed once stays completed, and keeps its "
            "certificate. A lesson that isn't completed stays so."
        ),
        responses={204: None, **_REFUSALS},
    )
    def delete(self, request: Request, enrollment_id: UUID, lesson_id: UUID) -> Response:
        services.take_back_completion(
            user_id=current_user_id(request), enrollment_id=enrollment_id, lesson_id=lesson_id
        )
        return Response(status=204)


class LessonProgressView(APIView):
    """Reports of a player."""

    @extend_schema(
        operation_id="enrollments_lesson_progress",
        tags=["Learning"],
        summary="Report how far a lesson is watched",
        description=(
            "`watch_time_seconds` is the time watched in all. It only rises, and is clamped to "
            "what the clock allows: the time since the lesson was first opened and since the last "
            "report, a minute's grace, at most three times the lesson's length. "
            "`position_seconds` is where to resume; it may go back, and ends with the lesson. The "
            "answer says what was kept."
        ),
        request=WatchReportSerializer,
        responses={200: WatchedSerializer, **_REFUSALS},
        examples=[
            OpenApiExample(
                "Two minutes",
                value={"watch_time_seconds": 120, "position_seconds": 125},
                request_only=True,
            ),
            OpenApiExample(
                "Kept",
                value={
                    **_MARK,
                    "is_completed": False,
                    "watch_time_seconds": 120,
                    "position_seconds": 125,
                },
                response_only=True,
            ),
        ],
    )
    def post(self, request: Request, enrollment_id: UUID, lesson_id: UUID) -> Response:
        body = WatchReportSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        report = services.report_watching(
            user_id=current_user_id(request),
            enrollment_id=enrollment_id,
            lesson_id=lesson_id,
            watch_time_seconds=body.validated_data["watch_time_seconds"],
            position_seconds=body.validated_data["position_seconds"],
        )
        return Response(WatchedSerializer(report).data)


def _to_body(view: OpenedLesson) -> dict[str, Any]:
    lesson, progress = view.lesson, view.progress
    return {
        "id": lesson.id,
        "course_id": lesson.course_id,
        "section_id": lesson.curriculum_id,
        "title": lesson.title,
        "description": lesson.description,
        "order": lesson.order,
        "duration_minutes": lesson.duration_minutes,
        "is_preview": lesson.is_preview,
        "video_url": lesson.video_url or None,
        "resources": lesson.resources,
        "progress": progress
        and {
            "enrollment_id": progress.enrollment_id,
            "completed": progress.is_completed,
            "watch_time_seconds": progress.watch_time_seconds,
            "position_seconds": progress.position_seconds,
        },
    }
