"""Orders over HTTP (plan 4.5, contract "Orders and payments")."""

import uuid
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
)
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.idempotent_views import IdempotentPostMixin
from orders import selectors, services
from orders.serializers import (
    CreateOrderSerializer,
    OrderDetailSerializer,
    OrderFilterSerializer,
    OrderSerializer,
)
from orders.views.guessing import LimitedGuessesMixin
from orders.views.readers import reader_of
from users.authentication import current_user_id
from users.rights import Right

_ADDRESS = {
    "first_name": "John",
    "last_name": "Doe",
    "email": "john@example.com",
    "address_line1": "123 Main St",
    "address_line2": "Apt 4B",
    "city": "San Francisco",
    "state": "CA",
    "postal_code": "94105",
    "country": "US",
    "phone": "+1234567890",
}
_ITEM = {
    "id": "019b76df-77aa-7b3c-8d4e-5f6a7b8c9d0e",
    "course": {
        "id": "019b76da-a800-7c3e-8f5d-3c1f0a5b7e21",
        "title": "Complete Web Development Bootcamp 2026",
    },
    "price_at_purchase": 89.99,
    "discount_amount": 0.0,
    "tax_amount": 0.0,
    "refunded_amount": 0.0,
    "state": "fulfilled",
}
_PAYMENT = {
    "method": "stripe",
    "status": "succeeded",
    "transaction_id": "ch_3SpHk2LkdIwHu7ix0abcdefg",
    "refund": None,
}
_ROW = {
    "id": "019b76df-77a9-7c1d-9e2f-3a4b5c6d7e8f",
    "order_number": "ORD-2026-00001",
    "status": "completed",
    "created_at": "2026-01-27T10:00:00Z",
    "completed_at": "2026-01-27T10:05:00Z",
    "total_amount": 89.99,
    "refunded_amount": 0.0,
    "currency": "usd",
    "items_count": 1,
    "items": [_ITEM],
    "payment": _PAYMENT,
}
_DETAIL = {
    **_ROW,
    "subtotal": 89.99,
    "discount_amount": 0.0,
    "tax_amount": 0.0,
    "tax_lines": [],
    "coupon_code": None,
    "failure_reason": None,
    "expires_at": "2026-01-28T10:00:00Z",
    "billing_address": _ADDRESS,
    "invoice_number": "INV-2026-00001",
}
_PENDING = {
    **_DETAIL,
    "status": "pending",
    "completed_at": None,
    "items": [{**_ITEM, "state": "pending"}],
    "invoice_number": None,
    "payment": None,
}
_PROCESSING = {
    **_PENDING,
    "payment": {**_PAYMENT, "status": "processing", "transaction_id": None},
}
_CAME_TOO_LATE = {
    **_PENDING,
    "status": "failed",
    "failure_reason": "expired",
    "payment": {
        **_PAYMENT,
        "status": "refunded",
        "refund": {"amount": 89.99, "status": "succeeded"},
    },
}


class OrdersView(GenericAPIView[Any]):
    """The person's orders."""

    @extend_schema(
        operation_id="orders_list",
        tags=["Orders"],
        summary="My orders",
        description="Newest first, with how each was paid or is being paid. An unknown `status` is "
        "422 `VALIDATION_ERROR`.",
        parameters=[OrderFilterSerializer],
        responses={200: OrderSerializer(many=True)},
        examples=[OpenApiExample("An order", value=_ROW, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        query = OrderFilterSerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        page = self.paginate_queryset(
            selectors.list_orders(user_id=current_user_id(request), **query.validated_data)
        )
        return self.get_paginated_response(selectors.show_orders(rows=page or []))


class OrderView(APIView):
    """One order."""

    @extend_schema(
        operation_id="orders_retrieve",
        tags=["Orders"],
        summary="One of my orders",
        description="404 `ORDER_NOT_FOUND` for an order that doesn't exist or is another person's. "
        "Staff with the right to view orders may see anybody's.",
        responses={200: OrderDetailSerializer},
        examples=[
            OpenApiExample("A paid order", value=_DETAIL, response_only=True),
            OpenApiExample(
                "Its money came too late and went back", value=_CAME_TOO_LATE, response_only=True
            ),
        ],
    )
    def get(self, request: Request, order_id: uuid.UUID) -> Response:
        reader_id = reader_of(request, Right.SEE_ORDERS)
        return Response(selectors.get_order(order_id=order_id, user_id=reader_id))


class CreateFromCartView(LimitedGuessesMixin, IdempotentPostMixin):
    """From the cart to an order."""

    code_field = "coupon_code"

    @extend_schema(
        operation_id="orders_create_from_cart",
        tags=["Orders"],
        summary="Order what is in the cart",
        description=(
            "Checks every line and freezes its price and title; the cart is emptied when the order "
            "is paid. `coupon_code` goes before the cart's coupon; left out, null or blank, it is "
            "the cart's. One that doesn't apply refuses the order: nobody pays more than the cart "
            "showed. Tax follows from the billing address.\n\n"
            "The same wish (courses, prices, coupon, tax) again while the order is pending: that "
            "order, 200, with this call's billing address if one is given. Anything else: the old "
            "order is closed and a new one made. A total of zero completes at once.\n\n"
            "While money for an order is on its way (`payment.status` is `processing`), that order "
            "stands: for the same courses it is the answer, 200; a cart that shares some of them "
            "is refused, and one that shares none is ordered beside it. Before an order is closed, "
            "its payment is cancelled; one that turns out paid is completed instead, and what is "
            "left in the cart is ordered.\n\n"
            "With an `Idempotency-Key`, the same request is answered the same for 24 hours."
        ),
        parameters=[
            OpenApiParameter(
                "Idempotency-Key",
                OpenApiTypes.STR,
                OpenApiParameter.HEADER,
                description="1 to 255 printable ASCII characters, one per intended order.",
            )
        ],
        request=CreateOrderSerializer,
        responses={
            201: OpenApiResponse(OrderDetailSerializer, description="Created"),
            200: OpenApiResponse(
                OrderDetailSerializer, description="The pending order again, or that being paid"
            ),
            409: OpenApiResponse(
                description="`CART_LINES_UNAVAILABLE`: `details.lines` names each course with its "
                "reason (`NOT_FOR_SALE`, `ALREADY_ENROLLED`, `OWN_COURSE`, `ACCESS_WITHDRAWN`); "
                "`PAYMENT_IN_PROGRESS`: `details.courses` names those that are being paid for, "
                "each with its `order_id`; or "
                "`IDEMPOTENCY_KEY_REUSED`, `IDEMPOTENCY_IN_PROGRESS`"
            ),
            422: OpenApiResponse(
                description="`CART_EMPTY`; `COUPON_INVALID`, with a `reason` in the details as for "
                "the cart's coupon; `ORDER_TOO_SMALL`: less than can be charged, with the "
                "`minimum_amount`; `AMOUNT_TOO_LARGE`: more than can be charged at once, with the "
                "`maximum_amount`; `BILLING_COUNTRY_REQUIRED`: tax depends on a two-letter country "
                "in the address; `VALIDATION_ERROR`; `IDEMPOTENCY_KEY_INVALID`"
            ),
            503: OpenApiResponse(
                description="`PAYMENTS_UNAVAILABLE`: the order before may be being paid, and the "
                "payment provider doesn't answer; nothing was changed, try the same again"
            ),
        },
        examples=[
            OpenApiExample(
                "An address and a coupon",
                value={"billing_address": _ADDRESS, "coupon_code": "SPRING10"},
                request_only=True,
            ),
            OpenApiExample("The order", value=_PENDING, response_only=True),
            OpenApiExample(
                "Its money is on its way",
                value=_PROCESSING,
                response_only=True,
                status_codes=["200"],
            ),
        ],
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        post = super().post

        def attempt(ended_order_id: uuid.UUID | None) -> Response:
            return post(request, *args, ended_order_id=ended_order_id, **kwargs)

        return services.try_past_open_payments(attempt=attempt)

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        body = CreateOrderSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        created = services.create_from_cart(
            user_id=current_user_id(request),
            billing_address=body.validated_data.get("billing_address") or {},
            coupon_code=body.validated_data.get("coupon_code"),
            ended_order_id=kwargs["ended_order_id"],
        )
        order = created.shown or selectors.get_order(
            order_id=created.order_id, user_id=current_user_id(request)
        )
        # Serialised here: the answer is stored under its Idempotency-Key as it went out.
        data = OrderDetailSerializer(order).data
        return Response(data, status=201 if created.created else 200)
