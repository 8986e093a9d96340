"""Lines of the cart, and the wishlist, over HTTP (plan 4.4, contract "Reviews, wishlist, cart").
The cart as a whole knows its coupon and is at the roof."""

import uuid
from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cart import selectors, services
from cart.examples import COURSE_ID, LINE
from cart.serializers import AddCourseSerializer, LineSerializer
from users.authentication import current_user_id

_ADD_EXAMPLES = [
    OpenApiExample("A course", value={"course_id": COURSE_ID}, request_only=True),
    OpenApiExample("The line", value=LINE, response_only=True),
]
_ADD_ERRORS = {
    403: OpenApiResponse(
        description="`OWN_COURSE`: nobody buys the course they teach; `ACCESS_WITHDRAWN`: staff "
        "took this free course away"
    ),
    404: OpenApiResponse(description="`COURSE_NOT_FOUND`: unknown, or not on sale"),
    409: OpenApiResponse(description="`ALREADY_ENROLLED`: it is theirs already"),
}
_CART_CONFLICTS = OpenApiResponse(
    description="`ALREADY_ENROLLED`, `PAYMENT_IN_PROGRESS` (money for it is on its way: "
    "`details.courses` names it and its order), or `CART_FULL` at 100 lines"
)


class CartItemsView(APIView):
    """Adding to the cart."""

    @extend_schema(
        operation_id="cart_items_add",
        tags=["Cart"],
        summary="Put a course into the cart",
        description="201 when it was added, 200 with the same line when it was there.",
        request=AddCourseSerializer,
        responses={
            201: OpenApiResponse(LineSerializer, description="Added"),
            200: OpenApiResponse(LineSerializer, description="It was in the cart"),
            **_ADD_ERRORS,
            409: _CART_CONFLICTS,
        },
        examples=_ADD_EXAMPLES,
    )
    def post(self, request: Request) -> Response:
        body = AddCourseSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        line = services.add_to_cart(user_id=current_user_id(request), **body.validated_data)
        return _answer_cart_line(request, line)


class CartItemView(APIView):
    """One line of the cart."""

    @extend_schema(
        operation_id="cart_items_remove",
        tags=["Cart"],
        summary="Take a line out of the cart",
        description="404 `CART_ITEM_NOT_FOUND` for a line that isn't in this person's cart.",
        responses={204: None},
    )
    def delete(self, request: Request, item_id: uuid.UUID) -> Response:
        services.remove_from_cart(user_id=current_user_id(request), item_id=item_id)
        return Response(status=204)


class WishlistView(GenericAPIView[Any]):
    """What somebody saved for later."""

    @extend_schema(
        operation_id="wishlist_list",
        tags=["Wishlist"],
        summary="The wishlist",
        description="Newest first, at today's prices.",
        responses={200: LineSerializer(many=True)},
        examples=[OpenApiExample("A line", value=LINE, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(selectors.list_wishlist(user_id=current_user_id(request)))
        lines = selectors.show_lines(user_id=current_user_id(request), rows=page or [])
        return self.get_paginated_response(lines)


class WishlistItemsView(APIView):
    """Adding to the wishlist."""

    @extend_schema(
        operation_id="wishlist_items_add",
        tags=["Wishlist"],
        summary="Save a course for later",
        description="201 when it was added, 200 with the same line when it was there.",
        request=AddCourseSerializer,
        responses={
            201: OpenApiResponse(LineSerializer, description="Added"),
            200: OpenApiResponse(LineSerializer, description="It was on the wishlist"),
            **_ADD_ERRORS,
        },
        examples=_ADD_EXAMPLES,
    )
    def post(self, request: Request) -> Response:
        body = AddCourseSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        line = services.add_to_wishlist(user_id=current_user_id(request), **body.validated_data)
        row = selectors.get_wishlist_item(item_id=line.item_id, user_id=current_user_id(request))
        return Response(row, status=201 if line.created else 200)


class WishlistItemView(APIView):
    """One line of the wishlist."""

    @extend_schema(
        operation_id="wishlist_items_remove",
        tags=["Wishlist"],
        summary="Take a line off the wishlist",
        description="404 `WISHLIST_ITEM_NOT_FOUND` for a line that isn't on this person's list.",
        responses={204: None},
    )
    def delete(self, request: Request, item_id: uuid.UUID) -> Response:
        services.remove_from_wishlist(user_id=current_user_id(request), item_id=item_id)
        return Response(status=204)


class MoveToCartView(APIView):
    """From the wishlist into the cart."""

    @extend_schema(
        operation_id="wishlist_items_move_to_cart",
        tags=["Wishlist"],
        summary="Move a line of the wishlist into the cart",
        description="Answers the cart's line: 201 when it was added, 200 when it was there.",
        request=None,
        responses={
            201: OpenApiResponse(LineSerializer, description="Moved"),
            200: OpenApiResponse(LineSerializer, description="It was in the cart as well"),
            **_ADD_ERRORS,
            409: _CART_CONFLICTS,
            404: OpenApiResponse(description="`WISHLIST_ITEM_NOT_FOUND` or `COURSE_NOT_FOUND`"),
        },
        examples=[OpenApiExample("The cart's line", value=LINE, response_only=True)],
    )
    def post(self, request: Request, item_id: uuid.UUID) -> Response:
        line = services.move_to_cart(user_id=current_user_id(request), item_id=item_id)
        return _answer_cart_line(request, line)


def _answer_cart_line(request: Request, line: services.AddedLine) -> Response:
    row = selectors.get_cart_item(item_id=line.item_id, user_id=current_user_id(request))
    return Response(row, status=201 if line.created else 200)
