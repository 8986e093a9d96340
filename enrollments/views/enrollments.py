"""A person's courses."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from courses import selectors as course_selectors
from enrollments import selectors, services
from enrollments.serializers import (
    EnrolledSerializer,
    EnrollmentDetailSerializer,
    EnrollmentFilterSerializer,
    EnrollmentSerializer,
)
from users.authentication import current_user_id

_COURSE = {
    "id": "019b76da-a800-7c3e-8f5d-3c1f0a5b7e21",
    "title": "Complete Web Development Bootcamp 2026",
    "slug": "complete-web-development-bootcamp-2026",
    "thumbnail": "http://127.0.0.1:8000/media/course_thumbnails/web.png",
    "duration_hours": 52,
}
_ENROLLMENT: dict[str, Any] = {
    "id": "019b76dc-0c11-7b5a-9d3e-2f4a6b8c0d1e",
    "course": _COURSE,
    "progress_percent": 45,
    "lessons_completed": 18,
    "total_lessons": 40,
    "enrolled_at": "2025-06-15T10:00:00Z",
    "is_completed": False,
    "completed_at": None,
    "last_activity_at": "2026-01-27T10:00:00Z",
    "is_suspended": False,
    "certificate_url": None,
}
_DETAIL = {
    **_ENROLLMENT,
    "course": {
        **_COURSE,
        "instructor": {
            "id": "019b76da-0001-7c3e-8f5d-3c1f0a5b7e21",
            "first_name": "Angela",
            "last_name": "Yu",
        },
        "curriculum": [
            {
                "id": "019b76da-b001-7c3e-8f5d-3c1f0a5b7e21",
                "title": "Introduction to Web Development",
                "description": "Get started with the fundamentals",
                "order": 1,
                "total_lessons": 1,
                "total_duration_minutes": 10,
                "lessons": [
                    {
                        "id": "019b76da-c001-7c3e-8f5d-3c1f0a5b7e21",
                        "title": "What is Web Development?",
                        "duration_minutes": 10,
                        "order": 1,
                        "is_preview": True,
                        "completed": False,
                        "watch_time_seconds": 0,
                        "position_seconds": 0,
                    }
                ],
            }
        ],
    },
}


class EnrollmentListView(GenericAPIView[Any]):
    """The person's courses, page by page."""

    serializer_class = EnrollmentSerializer

    @extend_schema(
        operation_id="enrollments_list",
        tags=["Learning"],
        summary="My courses",
        description=(
            "The courses the person has, the latest first, with the progress in each: distinct "
            "live lessons, rounded down. `status=completed` are those completed once (completion "
            "stays when lessons are added later), `status=active` all others; any other value is "
            "422. A suspended course is listed with `is_suspended: true`; a revoked one isn't."
        ),
        parameters=[EnrollmentFilterSerializer],
        responses={200: EnrollmentSerializer(many=True)},
        examples=[OpenApiExample("A course", value=_ENROLLMENT, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        query = EnrollmentFilterSerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        rows = selectors.list_enrollments(
            user_id=current_user_id(request), status=query.validated_data.get("status")
        )
        page = self.paginate_queryset(rows) or []
        results = EnrollmentSerializer(selectors.to_enrollment_rows(page), many=True).data
        return self.get_paginated_response(results)


class EnrollmentView(APIView):
    """One of the person's courses."""

    @extend_schema(
        operation_id="enrollments_retrieve",
        tags=["Learning"],
        summary="One of my courses",
        description=(
            "The course with its curriculum and what the person did in each lesson. The lessons' "
            "media are behind `GET /lessons/{id}/`."
        ),
        responses={
            200: EnrollmentDetailSerializer,
            404: OpenApiResponse(
                description="`ENROLLMENT_NOT_FOUND`: unknown, revoked, or another person's"
            ),
        },
        examples=[OpenApiExample("A course", value=_DETAIL, response_only=True)],
    )
    def get(self, request: Request, enrollment_id: UUID) -> Response:
        row = selectors.get_enrollment(
            user_id=current_user_id(request), enrollment_id=enrollment_id
        )
        return Response(EnrollmentDetailSerializer(row).data)


class EnrollView(APIView):
    """Enrolling in a free course."""

    @extend_schema(
        operation_id="courses_enroll",
        tags=["Learning"],
        summary="Enroll in a free course",
        description="`course_id` is the course's id or slug. No body is needed.",
        request=None,
        responses={
            201: EnrolledSerializer,
            402: OpenApiResponse(description="`PAYMENT_REQUIRED`: it has a price; buy it"),
            403: OpenApiResponse(
                description="`OWN_COURSE`: nobody enrolls in their own course; `ACCESS_WITHDRAWN`: "
                "staff took it away"
            ),
            404: OpenApiResponse(description="`COURSE_NOT_FOUND`: unknown or not published"),
            409: OpenApiResponse(
                description="`ALREADY_ENROLLED`: it is theirs already; `PAYMENT_IN_PROGRESS`: "
                "money for it is on its way, though it may cost nothing by now"
            ),
        },
        examples=[
            OpenApiExample(
                "Enrolled",
                value={
                    "id": "019b76dc-0c11-7b5a-9d3e-2f4a6b8c0d1e",
                    "course_id": "019b76da-a800-7c3e-8f5d-3c1f0a5b7e21",
                    "enrolled_at": "2026-01-27T10:00:00Z",
                    "progress_percent": 0,
                    "is_completed": False,
                },
                response_only=True,
            )
        ],
    )
    def post(self, request: Request, course_id: str) -> Response:
        course = course_selectors.find_course(reference=course_id)
        enrollment = services.enroll_free(user_id=current_user_id(request), course_id=course.id)
        return Response(EnrolledSerializer(enrollment).data, status=201)
