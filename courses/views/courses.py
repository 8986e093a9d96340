"""Courses as their authors write them (contract "Catalogue")."""

import uuid
from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.permissions import SAFE_METHODS, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from courses.authoring_serializers import (
    CourseCreateSerializer,
    CourseUpdateSerializer,
    OwnCourseSerializer,
)
from courses.selectors.authoring import get_own_course
from courses.services import authoring
from courses.views import examples
from courses.views.authors import NOT_AUTHOR, REFUSALS, author_of

_TAGS = ["Authoring"]
_INCOMPLETE = OpenApiResponse(
    description="`COURSE_INCOMPLETE`: `details` names what is missing of `title`, `description`, "
    "`category`, `price` and `lessons`"
)


class WritingView(APIView):
    """Adds writing to a view that everybody reads: reading keeps the view's own permissions and
    rate, writing is for those signed in, at their own rate."""

    def get_permissions(self) -> Any:
        if self.request.method in SAFE_METHODS:
            return super().get_permissions()
        return [IsAuthenticated()]

    def get_throttles(self) -> Any:
        if self.request.method not in SAFE_METHODS:
            self.throttle_scope = ""
        return super().get_throttles()


class CourseCreation(WritingView):
    """`POST /courses/`, beside whatever view reads the catalogue."""

    @extend_schema(
        operation_id="courses_create",
        tags=_TAGS,
        summary="Create a course",
        description=(
            "A draft of one's own. Only the title has to be there; publishing needs more, and "
            "`missing` says what. The slug is made from the title unless it is given."
        ),
        request=CourseCreateSerializer,
        responses={
            201: OwnCourseSerializer,
            403: OpenApiResponse(description="`INSTRUCTOR_REQUIRED`"),
            409: OpenApiResponse(description="`SLUG_TAKEN`"),
        },
        examples=examples.COURSE_CREATE,
    )
    def post(self, request: Request) -> Response:
        body = CourseCreateSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        author = author_of(request)
        course_id = authoring.create_course(author=author, fields=body.validated_data)
        return _show(request, course_id, status=201)


class CourseEditing(WritingView):
    """`PATCH` and `DELETE /courses/{id}/`, beside whatever view shows a course."""

    @extend_schema(
        operation_id="courses_update",
        tags=_TAGS,
        summary="Change a course",
        description=(
            "Changes what is sent, of a course on sale at once. With `last_updated` as last read, "
            "the change is refused when somebody else was faster."
        ),
        request=CourseUpdateSerializer,
        responses={
            200: OwnCourseSerializer,
            **REFUSALS,
            409: OpenApiResponse(description="`SLUG_TAKEN` or `STALE`"),
        },
        examples=examples.COURSE_UPDATE,
    )
    def patch(self, request: Request, reference: str) -> Response:
        body = CourseUpdateSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        fields = body.validated_data
        expected = fields.pop("last_updated", None)
        course_id = authoring.edit_course(
            author=author_of(request),
            reference=reference,
            fields=fields,
            expected_last_updated=expected,
        )
        return _show(request, course_id)

    @extend_schema(
        operation_id="courses_delete",
        tags=_TAGS,
        summary="Delete or archive a course",
        description=(
            "A course that nobody bought or learned in is gone: 204. Any other is archived, off "
            "sale and still there for its learners: 200 with the course."
        ),
        responses={204: None, 200: OwnCourseSerializer, **REFUSALS},
        examples=[examples.COURSE],
    )
    def delete(self, request: Request, reference: str) -> Response:
        archived_id = authoring.remove_course(author=author_of(request), reference=reference)
        return Response(status=204) if archived_id is None else _show(request, archived_id)


class PublishCourseView(APIView):
    """Into the catalogue."""

    @extend_schema(
        operation_id="courses_publish",
        tags=_TAGS,
        summary="Publish a course",
        description=(
            "Puts the course on sale; `status` is `published`. Where courses are moderated it is "
            "`in_review` until staff decide, and `review_note` says what they wrote."
        ),
        request=None,
        responses={200: OwnCourseSerializer, **REFUSALS, 422: _INCOMPLETE},
        examples=[examples.COURSE],
    )
    def post(self, request: Request, reference: str) -> Response:
        course_id = authoring.publish_own_course(author=author_of(request), reference=reference)
        return _show(request, course_id)


class UnpublishCourseView(APIView):
    """Out of the catalogue."""

    @extend_schema(
        operation_id="courses_unpublish",
        tags=_TAGS,
        summary="Unpublish a course",
        description=(
            "Takes the course off sale, or out of review, back to a draft. Its learners keep it."
        ),
        request=None,
        responses={200: OwnCourseSerializer, **REFUSALS},
        examples=[examples.COURSE],
    )
    def post(self, request: Request, reference: str) -> Response:
        course_id = authoring.unpublish_own_course(author=author_of(request), reference=reference)
        return _show(request, course_id)


class DuplicateCourseView(APIView):
    """One more of the same."""

    @extend_schema(
        operation_id="courses_duplicate",
        tags=_TAGS,
        summary="Duplicate a course",
        description=(
            "A draft of the same instructor with the same curriculum, a slug and ids of its own."
        ),
        request=None,
        responses={
            201: OwnCourseSerializer,
            403: NOT_AUTHOR,
            404: REFUSALS[404],
            422: OpenApiResponse(description="`QUOTA_EXCEEDED`"),
            429: OpenApiResponse(description="Enough copies for a day"),
        },
        examples=[examples.COURSE],
    )
    def post(self, request: Request, reference: str) -> Response:
        course_id = authoring.duplicate_course(author=author_of(request), reference=reference)
        return _show(request, course_id, status=201)


def _show(request: Request, course_id: uuid.UUID, status: int = 200) -> Response:
    return Response(
        get_own_course(author=author_of(request), reference=str(course_id)), status=status
    )
