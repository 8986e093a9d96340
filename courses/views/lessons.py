"""The lessons of a section, for their author."""

import uuid

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from courses.authoring_serializers import (
    LessonCreateSerializer,
    LessonUpdateSerializer,
    OwnLessonListSerializer,
    OwnLessonSerializer,
    ReorderSerializer,
)
from courses.selectors.own_curriculum import get_own_lesson, get_own_section
from courses.services import authoring
from courses.views import examples
from courses.views.authors import NOT_AUTHOR, author_of

_TAGS = ["Authoring"]
_REFUSALS = {
    403: NOT_AUTHOR,
    404: OpenApiResponse(
        description="`COURSE_NOT_FOUND`, `SECTION_NOT_FOUND` or `LESSON_NOT_FOUND`"
    ),
}


class LessonsView(APIView):
    """The lessons of one section."""

    @extend_schema(
        operation_id="lessons_list",
        tags=_TAGS,
        summary="Lessons of a section",
        description="In order, media included.",
        responses={200: OwnLessonListSerializer, **_REFUSALS},
        examples=[examples.LESSONS],
    )
    def get(self, request: Request, reference: str, section_id: uuid.UUID) -> Response:
        return _show_all(request, reference, section_id)

    @extend_schema(
        operation_id="lessons_create",
        tags=_TAGS,
        summary="Add a lesson",
        description="At the end of the section, or at `order`: those behind move on.",
        request=LessonCreateSerializer,
        responses={
            201: OwnLessonSerializer,
            **_REFUSALS,
            409: OpenApiResponse(description="`CURRICULUM_FULL`"),
        },
        examples=examples.LESSON_CREATE,
    )
    def post(self, request: Request, reference: str, section_id: uuid.UUID) -> Response:
        body = LessonCreateSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        lesson_id = authoring.add_lesson(
            author=author_of(request),
            reference=reference,
            section_id=section_id,
            fields=body.validated_data,
        )
        return _show(request, reference, lesson_id, status=201)


class ReorderLessonsView(APIView):
    """A new order of the lessons."""

    @extend_schema(
        operation_id="lessons_reorder",
        tags=_TAGS,
        summary="Reorder the lessons",
        description="`order` names each lesson of the section once.",
        request=ReorderSerializer,
        responses={200: OwnLessonListSerializer, **_REFUSALS},
        examples=[examples.REORDER, examples.LESSONS],
    )
    def post(self, request: Request, reference: str, section_id: uuid.UUID) -> Response:
        body = ReorderSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        authoring.reorder_lessons(
            author=author_of(request),
            reference=reference,
            section_id=section_id,
            order=body.validated_data["order"],
        )
        return _show_all(request, reference, section_id)


class LessonView(APIView):
    """One lesson."""

    @extend_schema(
        operation_id="lessons_update",
        tags=_TAGS,
        summary="Change a lesson",
        description=(
            "Changes what is sent; `order` moves the lesson there, `section_id` to another section "
            "of the course. Its id, and what learners did in it, stay."
        ),
        request=LessonUpdateSerializer,
        responses={
            200: OwnLessonSerializer,
            **_REFUSALS,
            409: OpenApiResponse(description="`CURRICULUM_FULL`"),
        },
        examples=examples.LESSON_UPDATE,
    )
    def patch(
        self, request: Request, reference: str, section_id: uuid.UUID, lesson_id: uuid.UUID
    ) -> Response:
        body = LessonUpdateSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        authoring.edit_lesson(
            author=author_of(request),
            reference=reference,
            section_id=section_id,
            lesson_id=lesson_id,
            fields=body.validated_data,
        )
        return _show(request, reference, lesson_id)

    @extend_schema(
        operation_id="lessons_delete",
        tags=_TAGS,
        summary="Delete a lesson",
        description="What learners did in it is kept and no longer counted.",
        responses={204: None, **_REFUSALS, 409: OpenApiResponse(description="`LAST_LESSON`")},
    )
    def delete(
        self, request: Request, reference: str, section_id: uuid.UUID, lesson_id: uuid.UUID
    ) -> Response:
        authoring.remove_lesson(
            author=author_of(request),
            reference=reference,
            section_id=section_id,
            lesson_id=lesson_id,
        )
        return Response(status=204)


def _show(request: Request, reference: str, lesson_id: uuid.UUID, status: int = 200) -> Response:
    lesson = get_own_lesson(author=author_of(request), reference=reference, lesson_id=lesson_id)
    return Response(lesson, status=status)


def _show_all(request: Request, reference: str, section_id: uuid.UUID) -> Response:
    section = get_own_section(author=author_of(request), reference=reference, section_id=section_id)
    return Response({"results": section["lessons"]})
