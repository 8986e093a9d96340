"""The learner's dashboard, composed from several apps (plan 4.8)."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.v1.catalogue import examples
from api.v1.catalogue.pages import with_flags
from api.v1.catalogue.serializers import CourseRowSerializer
from core.serializers import ApiSerializer, NumberField
from courses.permissions import Viewer
from enrollments import selectors as enrollment_selectors
from reviews import selectors as review_selectors
from users import selectors as user_selectors
from users.authentication import current_user_id
from users.models import User


class DashboardStatsSerializer(ApiSerializer):
    """A learner in six numbers."""

    courses_enrolled = serializers.IntegerField()
    courses_completed = serializers.IntegerField()
    total_hours_learned = NumberField(max_digits=12, decimal_places=2)
    current_streak_days = serializers.IntegerField(
        help_text="Days in a row, in the person's own time zone; 0 once a whole day was left out."
    )
    average_rating_given = NumberField(
        max_digits=2,
        decimal_places=1,
        allow_null=True,
        help_text="Null until they rated a course.",
    )
    certificates_earned = serializers.IntegerField()


class UnfinishedCourseSerializer(ApiSerializer):
    """A course that isn't completed yet."""

    id = serializers.UUIDField()
    title = serializers.CharField()
    slug = serializers.CharField()
    thumbnail = serializers.URLField(allow_null=True)
    instructor = serializers.CharField(help_text="The instructor's full name.")


class CurrentLessonSerializer(ApiSerializer):
    """Where to go on."""

    id = serializers.UUIDField()
    title = serializers.CharField()
    order = serializers.IntegerField()


class UnfinishedSerializer(ApiSerializer):
    """A course to go on with."""

    enrollment_id = serializers.UUIDField()
    course = UnfinishedCourseSerializer()
    progress_percent = serializers.IntegerField()
    lessons_completed = serializers.IntegerField()
    total_lessons = serializers.IntegerField()
    current_lesson = CurrentLessonSerializer(
        allow_null=True, help_text="The first lesson not completed; null without lessons."
    )


class ContinueLearningSerializer(ApiSerializer):
    """At most ten courses."""

    results = UnfinishedSerializer(many=True)


class RecommendedCourseSerializer(CourseRowSerializer):
    """A course, and why it is recommended."""

    reason = serializers.CharField()


class RecommendationsSerializer(ApiSerializer):
    """At most twelve courses."""

    results = RecommendedCourseSerializer(many=True)


class StatsView(APIView):
    """The learner in numbers."""

    @extend_schema(
        operation_id="dashboard_stats",
        tags=["Dashboard"],
        summary="My numbers",
        description="What the person has, has learned and has achieved so far.",
        responses={200: DashboardStatsSerializer},
        examples=[
            OpenApiExample(
                "A learner",
                value={
                    "courses_enrolled": 12,
                    "courses_completed": 5,
                    "total_hours_learned": 248,
                    "current_streak_days": 15,
                    "average_rating_given": 4.6,
                    "certificates_earned": 5,
                },
                response_only=True,
            )
        ],
    )
    def get(self, request: Request) -> Response:
        return Response(DashboardStatsSerializer(get_stats(user_id=current_user_id(request))).data)


class ContinueLearningView(APIView):
    """Where to go on."""

    @extend_schema(
        operation_id="dashboard_continue_learning",
        tags=["Dashboard"],
        summary="Continue learning",
        description=(
            "The ten courses last touched that aren't completed yet, each with the first lesson "
            "that isn't. Suspended courses aren't among them."
        ),
        responses={200: ContinueLearningSerializer},
        examples=[
            OpenApiExample(
                "One course",
                value={
                    "results": [
                        {
                            "enrollment_id": "019b76dc-0c11-7b5a-9d3e-2f4a6b8c0d1e",
                            "course": {
                                "id": "019b76da-a800-7c3e-8f5d-3c1f0a5b7e21",
                                "title": "Complete Web Development Bootcamp 2026",
                                "slug": "complete-web-development-bootcamp-2026",
                                "thumbnail": "http://127.0.0.1:8000/media/web.png",
                                "instructor": "Angela Yu",
                            },
                            "progress_percent": 45,
                            "lessons_completed": 18,
                            "total_lessons": 40,
                            "current_lesson": {
                                "id": "019b76da-c001-7c3e-8f5d-3c1f0a5b7e21",
                                "title": "JavaScript Fundamentals",
                                "order": 15,
                            },
                        }
                    ]
                },
                response_only=True,
            )
        ],
    )
    def get(self, request: Request) -> Response:
        rows = enrollment_selectors.list_unfinished(user_id=current_user_id(request))
        return Response(ContinueLearningSerializer({"results": rows}).data)


class RecommendationsView(APIView):
    """What to learn next."""

    @extend_schema(
        operation_id="dashboard_recommendations",
        tags=["Dashboard"],
        summary="Recommendations",
        description=(
            "At most twelve courses the person doesn't have, as in the course list, each with a "
            "`reason`: what learners of the same courses also took, what is popular in the "
            "person's subjects, and what is popular with everybody."
        ),
        responses={200: RecommendationsSerializer},
        examples=[
            OpenApiExample(
                "One course",
                value={
                    "results": [
                        {
                            **examples.COURSE_ROW.value,
                            "reason": "Popular in Development, which you are learning",
                        }
                    ]
                },
                response_only=True,
            )
        ],
    )
    def get(self, request: Request) -> Response:
        return Response(RecommendationsSerializer(list_recommended(viewer=request.user)).data)


def get_stats(*, user_id: UUID) -> dict[str, Any]:
    """Return the numbers of plan 4.8. Three queries."""
    totals = user_selectors.get_learning_totals(user_id=user_id)
    return {
        "courses_enrolled": enrollment_selectors.count_enrollments(user_id=user_id),
        "courses_completed": totals.courses_completed,
        "total_hours_learned": totals.total_hours_learned,
        "current_streak_days": totals.current_streak_days,
        "average_rating_given": review_selectors.average_rating_given(user_id=user_id),
        "certificates_earned": totals.certificates_earned,
    }


def list_recommended(*, viewer: Viewer) -> dict[str, Any]:
    """Return recommended courses as in the course list, each with its reason."""
    if not isinstance(viewer, User):
        return {"results": []}
    found = enrollment_selectors.list_recommendations(user_id=viewer.id)
    rows = with_flags([item.card for item in found], viewer=viewer)
    return {
        "results": [{**row, "reason": item.reason} for row, item in zip(rows, found, strict=True)]
    }
