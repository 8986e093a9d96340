"""Instructors' coupons over HTTP."""

import uuid
from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from courses.errors import InstructorRequired
from orders import selectors
from orders.coupon_serializers import (
    CouponSerializer,
    CreateCouponSerializer,
    EditCouponSerializer,
)
from orders.services import own_coupons
from orders.views.guessing import count_made_up_code
from users.authentication import current_user_id
from users.models import User

_TAGS = ["Coupons"]
_TERMS = {
    "code": "SPRING10",
    "percent_off": 10,
    "minimum_amount": 20.0,
    "valid_until": "2026-06-01T00:00:00Z",
    "max_redemptions": 500,
    "max_redemptions_per_person": 1,
}
_COUPON = {
    "id": "019b76e0-3c4d-7e5f-8a6b-7c8d9e0f1a2b",
    **_TERMS,
    "amount_off": None,
    "course": None,
    "category": {
        "id": "019b76da-0c1d-7e2f-9a3b-4c5d6e7f8a9b",
        "name": "Web Development",
        "slug": "web-development",
    },
    "valid_from": None,
    "is_active": True,
    "redemptions": 12,
    "created_at": "2026-03-01T09:00:00Z",
}
_EXAMPLE = OpenApiExample("A coupon", value=_COUPON, response_only=True)
_FORBIDDEN = OpenApiResponse(description="`INSTRUCTOR_REQUIRED`")
_UNKNOWN = OpenApiResponse(description="`COUPON_NOT_FOUND`: unknown, or another instructor's")
_UNSOUND = OpenApiResponse(
    description="`VALIDATION_ERROR`: terms that contradict each other, or a course of another's"
)


class InstructorCouponsView(GenericAPIView[Any]):
    """The coupons of the person signed in."""

    @extend_schema(
        operation_id="instructor_coupons_list",
        tags=_TAGS,
        summary="Own coupons",
        description="Newest first, with how often each was used.",
        responses={200: CouponSerializer(many=True), 403: _FORBIDDEN},
        examples=[_EXAMPLE],
    )
    def get(self, request: Request) -> Response:
        coupons = selectors.list_own_coupons(instructor_id=_instructor_id(request))
        page = self.paginate_queryset(coupons)
        return self.get_paginated_response(selectors.show_coupons(rows=page or []))

    @extend_schema(
        operation_id="instructor_coupons_create",
        tags=_TAGS,
        summary="Make a coupon",
        description=(
            "For one of one's own courses, for those in a category, or for all of them: a coupon "
            "never reaches a course that another teaches. A limit counts orders that are pending "
            "or were paid; one that ends unpaid gives the coupon back."
        ),
        request=CreateCouponSerializer,
        responses={
            201: CouponSerializer,
            403: _FORBIDDEN,
            409: OpenApiResponse(description="`CODE_TAKEN`"),
            422: _UNSOUND,
        },
        examples=[OpenApiExample("Terms", value=_TERMS, request_only=True), _EXAMPLE],
    )
    def post(self, request: Request) -> Response:
        instructor_id = _instructor_id(request)
        body = CreateCouponSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        count_made_up_code(instructor_id=instructor_id)
        coupon_id = own_coupons.create_coupon(
            instructor_id=instructor_id, fields=body.validated_data
        )
        return _show(instructor_id, coupon_id, status=201)


class InstructorCouponView(APIView):
    """One coupon."""

    @extend_schema(
        operation_id="instructor_coupons_retrieve",
        tags=_TAGS,
        summary="An own coupon",
        responses={200: CouponSerializer, 403: _FORBIDDEN, 404: _UNKNOWN},
        examples=[_EXAMPLE],
    )
    def get(self, request: Request, coupon_id: uuid.UUID) -> Response:
        return _show(_instructor_id(request), coupon_id)

    @extend_schema(
        operation_id="instructor_coupons_update",
        tags=_TAGS,
        summary="Change a coupon",
        description=(
            "Changes what is sent; null takes a term away. Orders made with it keep what they got."
        ),
        request=EditCouponSerializer,
        responses={200: CouponSerializer, 403: _FORBIDDEN, 404: _UNKNOWN, 422: _UNSOUND},
        examples=[
            OpenApiExample("An end", value={"valid_until": "2026-06-01T00:00:00Z"},
                           request_only=True),
            _EXAMPLE,
        ],
    )  # fmt: skip
    def patch(self, request: Request, coupon_id: uuid.UUID) -> Response:
        instructor_id = _instructor_id(request)
        body = EditCouponSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        own_coupons.edit_coupon(
            instructor_id=instructor_id,
            coupon_id=coupon_id,
            fields=body.validated_data,
            says_no_course=body.says_no_course(),
        )
        return _show(instructor_id, coupon_id)

    @extend_schema(
        operation_id="instructor_coupons_delete",
        tags=_TAGS,
        summary="Delete or deactivate a coupon",
        description=(
            "One that no order was made with is gone: 204. Any other is deactivated, as the orders "
            "name it: 200 with the coupon."
        ),
        responses={204: None, 200: CouponSerializer, 403: _FORBIDDEN, 404: _UNKNOWN},
        examples=[_EXAMPLE],
    )
    def delete(self, request: Request, coupon_id: uuid.UUID) -> Response:
        instructor_id = _instructor_id(request)
        if own_coupons.remove_coupon(instructor_id=instructor_id, coupon_id=coupon_id):
            return Response(status=204)
        return _show(instructor_id, coupon_id)


def _instructor_id(request: Request) -> uuid.UUID:
    """Return who is signed in. Raises InstructorRequired for those who don't teach; staff make
    coupons for anybody's courses in the admin."""
    user_id = current_user_id(request)
    if not (isinstance(request.user, User) and request.user.is_instructor):
        raise InstructorRequired
    return user_id


def _show(instructor_id: uuid.UUID, coupon_id: uuid.UUID, *, status: int = 200) -> Response:
    row = selectors.get_own_coupon(instructor_id=instructor_id, coupon_id=coupon_id)
    return Response(row, status=status)
