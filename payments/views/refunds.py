"""Refunds of an order, and buyers' requests for them (contract "Orders and payments")."""

import uuid
from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.idempotent_views import IdempotentPostMixin
from payments import selectors, services
from payments.permissions import check_may_refund_order, check_may_see, check_right
from payments.serializers.refunds import (
    ApproveRequestSerializer,
    CreateRefundSerializer,
    RefundListSerializer,
    RefundRequestSerializer,
    RefundSerializer,
    RefuseRequestSerializer,
    RequestFilterSerializer,
    RequestRefundSerializer,
)
from users.authentication import current_user_id
from users.rights import Right, has_right

_KEY = OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER, required=False)
_ITEM = {
    "id": "019b76df-77aa-7b3c-8d4e-5f6a7b8c9d0e",
    "course": {
        "id": "019b76da-a800-7c3e-8f5d-3c1f0a5b7e21",
        "title": "Complete Web Development Bootcamp 2026",
    },
}
_ORDER = "019b76df-77a9-7c1d-9e2f-3a4b5c6d7e8f"
_REFUND = {
    "id": "019b76e0-1a2b-7c3d-8e4f-5a6b7c8d9e0f",
    "order_id": _ORDER,
    "amount": 89.99,
    "currency": "usd",
    "status": "due",
    "reason": "requested",
    "note": "Bought by mistake",
    "items": [{**_ITEM, "amount": 89.99}],
    "created_at": "2026-01-28T09:00:00Z",
}
_REQUEST = {
    "id": "019b76e0-2b3c-7d4e-8f5a-6b7c8d9e0f1a",
    "order_id": _ORDER,
    "order_number": "ORD-2026-00001",
    "user": {
        "id": "019b76d9-0a1b-7c2d-8e3f-4a5b6c7d8e9f",
        "email": "john@example.com",
        "first_name": "John",
        "last_name": "Doe",
    },
    "status": "open",
    "reason": "It is not what I expected",
    "items": [_ITEM],
    "created_at": "2026-01-28T08:00:00Z",
    "decided_at": None,
    "decision_reason": None,
    "refund_id": None,
}
_APPROVED = {**_REQUEST, "refund_id": _REFUND["id"]}
_DECLINED = {
    **_REQUEST,
    "status": "declined",
    "decided_at": "2026-01-28T09:00:00Z",
    "decision_reason": "Nearly all of the course was downloaded.",
}
_NO_ORDER = OpenApiResponse(description="`ORDER_NOT_FOUND`, also for somebody else's order")
_NO_REQUEST = OpenApiResponse(description="`REFUND_REQUEST_NOT_FOUND`")
_STAFF_ONLY = OpenApiResponse(
    description="`STAFF_REQUIRED`; `PERMISSION_DENIED`: staff without the right to view requests"
)
_MAY_NOT_REFUND = OpenApiResponse(
    description="`STAFF_REQUIRED`; `PERMISSION_DENIED`: staff without the right to add refunds"
)
_NOT_POSSIBLE = (
    "`REFUND_NOT_POSSIBLE`: nothing was paid, all of it is back or on its way, or the buyer's bank "
    "has the money"
)


class OrderRefundsView(IdempotentPostMixin):
    """The money of an order that went back, or is to."""

    @extend_schema(
        operation_id="order_refunds_list",
        tags=["Payments"],
        summary="Refunds of an order",
        description=(
            "Newest first; of one's own order, or of any for staff with the right to view refunds."
        ),
        responses={200: RefundListSerializer, 404: _NO_ORDER},
        examples=[OpenApiExample("A refund", {"results": [_REFUND]}, response_only=True)],
    )
    def get(self, request: Request, order_id: uuid.UUID) -> Response:
        viewer: Any = request.user
        check_may_see(order_id=order_id, viewer=viewer, right=Right.SEE_REFUNDS)
        may_read_notes = has_right(viewer, Right.SEE_REFUNDS)
        rows = selectors.list_refunds(order_id=order_id, for_staff=may_read_notes)
        return Response(RefundListSerializer({"results": rows}).data)

    @extend_schema(
        operation_id="order_refunds_create",
        tags=["Payments"],
        summary="Refund an order or some of its lines (staff)",
        description=(
            "Reserves the money and answers at once; a worker sends it to Stripe. When Stripe has "
            "taken it, the lines become `refunded` and their enrolments are revoked. Never more "
            "than was paid, however many ask at once. Honours `Idempotency-Key`."
        ),
        parameters=[_KEY],
        request=CreateRefundSerializer,
        responses={
            201: RefundSerializer,
            403: _MAY_NOT_REFUND,
            404: _NO_ORDER,
            409: OpenApiResponse(description=_NOT_POSSIBLE),
            422: OpenApiResponse(description="`VALIDATION_ERROR`, e.g. items of another order"),
        },
        examples=[
            OpenApiExample(
                "One line",
                {"items": [_ITEM["id"]], "reason": "Bought by mistake"},
                request_only=True,
            ),
            OpenApiExample("All of it", {"reason": "Bought by mistake"}, request_only=True),
            OpenApiExample("The refund", _REFUND, response_only=True),
        ],
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        viewer: Any = request.user
        # Before a stored answer is given again, too: a right may have been taken away since.
        check_may_refund_order(order_id=kwargs["order_id"], viewer=viewer)
        return super().post(request, *args, **kwargs)

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        order_id: uuid.UUID = kwargs["order_id"]
        body = CreateRefundSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        refund = services.refund_order(
            order_id=order_id,
            item_ids=body.validated_data.get("items"),
            note=body.validated_data.get("reason", ""),
            actor_id=current_user_id(request),
        )
        row = selectors.get_refund(refund_id=refund.id, for_staff=True)
        # Serialised here: the answer is stored under its Idempotency-Key as it went out.
        return Response(RefundSerializer(row).data, status=201)


class OrderRefundRequestView(IdempotentPostMixin):
    """A buyer's request to have an order refunded."""

    @extend_schema(
        operation_id="order_refund_request_retrieve",
        tags=["Payments"],
        summary="The last refund request of an order",
        description=(
            "Of one's own order, or of any for staff with the right to view refund requests."
        ),
        responses={
            200: RefundRequestSerializer,
            404: OpenApiResponse(description="`ORDER_NOT_FOUND`, `REFUND_REQUEST_NOT_FOUND`"),
        },
        examples=[OpenApiExample("A request", _REQUEST, response_only=True)],
    )
    def get(self, request: Request, order_id: uuid.UUID) -> Response:
        viewer: Any = request.user
        check_may_see(order_id=order_id, viewer=viewer, right=Right.SEE_REFUND_REQUESTS)
        return Response(
            RefundRequestSerializer(selectors.get_latest_request(order_id=order_id)).data
        )

    @extend_schema(
        operation_id="order_refund_request_create",
        tags=["Payments"],
        summary="Ask for a refund",
        description=(
            "Of one's own order, or some of its lines, within the window after the purchase and "
            "as long as not too much of each course was learned. Staff decide; the buyer hears by "
            "mail. Honours `Idempotency-Key`."
        ),
        parameters=[_KEY],
        request=RequestRefundSerializer,
        responses={
            201: RefundRequestSerializer,
            404: _NO_ORDER,
            409: OpenApiResponse(
                description="`REFUND_WINDOW_CLOSED`; `REFUND_PROGRESS_TOO_FAR` with the courses in "
                f"`details.courses`; `REFUND_ALREADY_REQUESTED`; {_NOT_POSSIBLE}"
            ),
            422: OpenApiResponse(description="`VALIDATION_ERROR`, e.g. items of another order"),
        },
        examples=[
            OpenApiExample(
                "One line",
                {"items": [_ITEM["id"]], "reason": "It is not what I expected"},
                request_only=True,
            ),
            OpenApiExample("The request", _REQUEST, response_only=True),
        ],
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().post(request, *args, **kwargs)

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        body = RequestRefundSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        made = services.request_refund(
            order_id=kwargs["order_id"],
            user_id=current_user_id(request),
            item_ids=body.validated_data.get("items"),
            reason=body.validated_data.get("reason", ""),
        )
        return Response(_show(made.id), status=201)


class RefundRequestsView(GenericAPIView[Any]):
    """What buyers ask for."""

    @extend_schema(
        operation_id="refund_requests_list",
        tags=["Payments"],
        summary="Refund requests (staff)",
        description="The oldest first, as they are to be answered. An unknown `status` is 422.",
        parameters=[RequestFilterSerializer],
        responses={200: RefundRequestSerializer(many=True), 403: _STAFF_ONLY},
        examples=[OpenApiExample("A request", _REQUEST, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        viewer: Any = request.user
        check_right(viewer=viewer, right=Right.SEE_REFUND_REQUESTS)
        query = RequestFilterSerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        page = self.paginate_queryset(selectors.list_requests(**query.validated_data))
        rows = selectors.to_request_rows(rows=page or [])
        return self.get_paginated_response(RefundRequestSerializer(rows, many=True).data)


class ApproveRefundRequestView(APIView):
    """Yes."""

    @extend_schema(
        operation_id="refund_requests_approve",
        tags=["Payments"],
        summary="Grant a refund request (staff)",
        description=(
            "Refunds what was asked for, less what is back by now or on its way. The request stays "
            "`open`, with its `refund_id`, until the payment provider has taken the refund: then "
            "it is `granted`, and the buyer is told, unless some of it is still on its way by "
            "another refund: then it is once that has gone. Where all of it is back already it is "
            "`granted` at once. Of two members of staff at once, one decides."
        ),
        request=ApproveRequestSerializer,
        responses={
            200: RefundRequestSerializer,
            403: _MAY_NOT_REFUND,
            404: _NO_REQUEST,
            409: OpenApiResponse(
                description="`REFUND_REQUEST_DECIDED` with `details.status`: `granted`, "
                "`declined`, or `approved` of one that is still `open`, with the `refund_id` of "
                "the refund on its way, or "
                "`REFUND_NOT_POSSIBLE`, when the rest is on its way by now, or the buyer's bank "
                "has the money"
            ),
        },
        examples=[OpenApiExample("Approved", _APPROVED, response_only=True)],
    )
    def post(self, request: Request, request_id: uuid.UUID) -> Response:
        viewer: Any = request.user
        check_right(viewer=viewer, right=Right.REFUND)
        body = ApproveRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        services.approve_request(request_id=request_id, actor_id=viewer.id)
        return Response(_show(request_id))


class RefuseRefundRequestView(APIView):
    """No."""

    @extend_schema(
        operation_id="refund_requests_refuse",
        tags=["Payments"],
        summary="Decline a refund request (staff)",
        description="The buyer is told the reason. Of two members of staff at once, one decides.",
        request=RefuseRequestSerializer,
        responses={
            200: RefundRequestSerializer,
            403: _MAY_NOT_REFUND,
            404: _NO_REQUEST,
            409: OpenApiResponse(
                description="`REFUND_REQUEST_DECIDED` with `details.status`: `granted`, "
                "`declined`, or `approved` of one that is still `open`, with the `refund_id` of "
                "the refund on its way"
            ),
        },
        examples=[
            OpenApiExample("Why not", {"reason": _DECLINED["decision_reason"]}, request_only=True),
            OpenApiExample("Declined", _DECLINED, response_only=True),
        ],
    )
    def post(self, request: Request, request_id: uuid.UUID) -> Response:
        viewer: Any = request.user
        check_right(viewer=viewer, right=Right.REFUND)
        body = RefuseRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        services.refuse_request(
            request_id=request_id, actor_id=viewer.id, reason=body.validated_data["reason"]
        )
        return Response(_show(request_id))


def _show(request_id: uuid.UUID) -> Any:
    return RefundRequestSerializer(selectors.get_request(request_id=request_id)).data
