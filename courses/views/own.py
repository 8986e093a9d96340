"""An instructor's own courses, drafts included."""

import django_filters
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from courses.authoring_serializers import OwnCourseRowSerializer, OwnCourseSerializer
from courses.models import Course
from courses.selectors.authoring import get_own_course, list_own_courses, to_own_course_rows
from courses.views import examples
from courses.views.authors import REFUSALS, author_of


class OwnCourseFilterSet(django_filters.FilterSet):
    """Filters of an instructor's list."""

    status = django_filters.ChoiceFilter(choices=Course.Status.choices)


class InstructorCoursesView(GenericAPIView[Course]):
    """What the person signed in teaches."""

    queryset = Course.objects.none()
    serializer_class = OwnCourseRowSerializer
    filter_backends = [DjangoFilterBackend]
    filterset_class = OwnCourseFilterSet

    @extend_schema(
        operation_id="instructor_courses_list",
        tags=["Authoring"],
        summary="Own courses",
        description="The courses one teaches, whatever their status, the one last changed first.",
        responses={
            200: OwnCourseRowSerializer(many=True),
            403: OpenApiResponse(description="`INSTRUCTOR_REQUIRED`"),
            422: OpenApiResponse(description="The status isn't known"),
        },
        examples=[examples.COURSE_ROW],
    )
    def get(self, request: Request) -> Response:
        courses = list_own_courses(author=author_of(request))
        page = self.paginate_queryset(self.filter_queryset(courses))
        return self.get_paginated_response(to_own_course_rows(page or []))


class InstructorCourseView(APIView):
    """One course, as its author needs it to write on."""

    @extend_schema(
        operation_id="instructor_courses_retrieve",
        tags=["Authoring"],
        summary="An own course",
        description=(
            "Everything its author wrote of it, with its status and what publishing needs yet. The "
            "page as readers see it is at `/courses/{id}/`."
        ),
        responses={200: OwnCourseSerializer, **REFUSALS},
        examples=[examples.COURSE],
    )
    def get(self, request: Request, reference: str) -> Response:
        return Response(get_own_course(author=author_of(request), reference=reference))
