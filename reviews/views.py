"""Reviews of a course, and votes for them (plan 4.3, contract "Reviews, wishlist, cart")."""

import uuid

from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import (
    SAFE_METHODS,
    AllowAny,
    BasePermission,
    IsAuthenticated,
)
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.ids import parse_id
from courses.errors import CourseNotFound
from courses.permissions import may_see_course
from courses.selectors import CourseFacts, find_course
from enrollments.selectors import owns_or_pays_for
from reviews import selectors, services
from reviews.errors import ReviewNotFound
from reviews.filters import ReviewFilterSet
from reviews.models import Review
from reviews.serializers import (
    HelpfulSerializer,
    OwnReviewSerializer,
    ReviewInput,
    ReviewSerializer,
)
from users.authentication import current_user_id

_WRITTEN = {
    "rating": 5,
    "title": "Amazing course",
    "comment": "The instructor explains everything clearly",
}
_OWN = {
    "id": "019b76dc-3c4d-7e5f-8a6b-7c8d9e0f1a2b",
    **_WRITTEN,
    "helpful_count": 0,
    "created_at": "2026-01-27T10:00:00Z",
}
_AUTHOR = {
    "id": "019b76dc-5e6f-7a8b-9c0d-1e2f3a4b5c6d",
    "first_name": "John",
    "last_name": "Smith",
    "avatar": "http://127.0.0.1:8000/media/profiles/john.webp",
}
_WRITE_EXAMPLES = [
    OpenApiExample("A review", value=_WRITTEN, request_only=True),
    OpenApiExample("The review", value=_OWN, response_only=True),
]
_AUTHOR_ONLY = OpenApiResponse(description="`NOT_REVIEW_AUTHOR`: somebody else wrote it")
_UNKNOWN = OpenApiResponse(description="`REVIEW_NOT_FOUND`")


class CourseReviewsView(GenericAPIView[Review]):
    """What learners think of one course."""

    queryset = Review.objects.none()
    serializer_class = ReviewSerializer
    filter_backends = [DjangoFilterBackend]
    filterset_class = ReviewFilterSet

    @property
    def throttle_scope(self) -> str:
        """Reading is a catalogue read; writing has the person's own rate."""
        return "catalogue" if self.request.method in SAFE_METHODS else ""

    def get_permissions(self) -> list[BasePermission]:
        return [AllowAny() if self.request.method in SAFE_METHODS else IsAuthenticated()]

    @extend_schema(
        operation_id="course_reviews_list",
        tags=["Reviews"],
        summary="Reviews of a course",
        description="The reviews of the course with this id or slug, newest first.",
        responses={200: ReviewSerializer(many=True)},
        examples=[
            OpenApiExample("A review", value={**_OWN, "author": _AUTHOR}, response_only=True)
        ],
    )
    def get(self, request: Request, reference: str) -> Response:
        course = _find_visible(request, reference)
        reviews = self.filter_queryset(selectors.list_course_reviews(course_id=course.id))
        page = self.paginate_queryset(reviews)
        return self.get_paginated_response(selectors.to_review_rows(page or []))

    @extend_schema(
        operation_id="course_reviews_create",
        tags=["Reviews"],
        summary="Review a course",
        description=(
            "One review a person, for those who are enrolled, never of one's own course. Title and "
            "comment may be left out."
        ),
        request=ReviewInput,
        responses={
            201: OwnReviewSerializer,
            403: OpenApiResponse(description="`ENROLLMENT_REQUIRED` or `OWN_COURSE`"),
            409: OpenApiResponse(description="`ALREADY_REVIEWED`"),
        },
        examples=_WRITE_EXAMPLES,
    )
    def post(self, request: Request, reference: str) -> Response:
        body = ReviewInput(data=request.data)
        body.is_valid(raise_exception=True)
        review = services.post_review(
            user_id=current_user_id(request), course_reference=reference, **body.validated_data
        )
        return Response(OwnReviewSerializer(review).data, status=201)


class ReviewView(APIView):
    """One's own review."""

    @extend_schema(
        operation_id="reviews_update",
        tags=["Reviews"],
        summary="Change a review",
        description="Changes what is sent. Only its author may.",
        request=ReviewInput(partial=True),
        responses={200: OwnReviewSerializer, 403: _AUTHOR_ONLY, 404: _UNKNOWN},
        examples=_WRITE_EXAMPLES,
    )
    def patch(self, request: Request, review_id: str) -> Response:
        body = ReviewInput(data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        review = services.edit_review(
            review_id=_review_id(review_id), user_id=current_user_id(request), **body.validated_data
        )
        return Response(OwnReviewSerializer(review).data)

    @extend_schema(
        operation_id="reviews_delete",
        tags=["Reviews"],
        summary="Take a review back",
        description="Only its author may. The course can be reviewed anew.",
        responses={204: None, 403: _AUTHOR_ONLY, 404: _UNKNOWN},
    )
    def delete(self, request: Request, review_id: str) -> Response:
        services.delete_review(review_id=_review_id(review_id), user_id=current_user_id(request))
        return Response(status=204)


class HelpfulView(APIView):
    """One's vote for somebody's review."""

    @extend_schema(
        operation_id="reviews_vote_helpful",
        tags=["Reviews"],
        summary="Find a review helpful",
        description="201 for a new vote; 200, and nothing changed, when it was there already.",
        request=None,
        responses={
            201: HelpfulSerializer,
            200: HelpfulSerializer,
            403: OpenApiResponse(description="`OWN_REVIEW`"),
            404: _UNKNOWN,
        },
        examples=[
            OpenApiExample(
                "The count", value={"id": _OWN["id"], "helpful_count": 235}, response_only=True
            )
        ],
    )
    def post(self, request: Request, review_id: str) -> Response:
        found = _review_id(review_id)
        count, added = services.vote_helpful(review_id=found, user_id=current_user_id(request))
        return Response({"id": found, "helpful_count": count}, status=201 if added else 200)

    @extend_schema(
        operation_id="reviews_withdraw_vote",
        tags=["Reviews"],
        summary="Take a vote back",
        description="Without a vote it changes nothing.",
        responses={204: None, 404: _UNKNOWN},
    )
    def delete(self, request: Request, review_id: str) -> Response:
        services.withdraw_vote(review_id=_review_id(review_id), user_id=current_user_id(request))
        return Response(status=204)


def _find_visible(request: Request, reference: str) -> CourseFacts:
    course = find_course(reference=reference)
    if may_see_course(
        course=course,
        viewer=request.user,
        is_theirs=lambda: owns_or_pays_for(user_id=current_user_id(request), course_id=course.id),
    ):
        return course
    raise CourseNotFound


def _review_id(value: str) -> uuid.UUID:
    found = parse_id(value)
    if found is None:
        raise ReviewNotFound
    return found
