"""The payment endpoints and the webhook's door (plan 4.6)."""

import uuid
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.idempotent_views import IdempotentPostMixin
from payments import selectors, services, stripe_gateway
from payments.errors import PaymentsUnavailable
from payments.serializers.payments import (
    ConfirmationSerializer,
    ConfirmPaymentSerializer,
    CreateIntentSerializer,
    PaymentIntentSerializer,
    WebhookAnswerSerializer,
)
from payments.stripe_patience import deadline
from users.authentication import current_user_id

_NO_ORDER = OpenApiResponse(description="`ORDER_NOT_FOUND`, also for somebody else's order")
_NO_STRIPE = OpenApiResponse(
    description="`PAYMENTS_UNAVAILABLE`: Stripe isn't configured or doesn't answer; nothing is "
    "half-done, try the same again"
)
_ORDER = "0198c5f0-7c1a-7bd2-9a51-4d8f0b6a2c11"
_MESSAGES = {
    "succeeded": "Payment processed successfully",
    "processing": "The payment is being processed",
    "requires_action": "The payment needs the buyer's authentication",
    "requires_payment_method": "The payment needs a payment method",
    "requires_confirmation": "The payment has not been confirmed yet",
    "requires_capture": "The payment is authorised",
    "canceled": "The payment was canceled",
}


class CreatePaymentIntentView(IdempotentPostMixin):
    """POST /payments/create-payment-intent/"""

    works_in_one_transaction = False
    # Whoever has it can pay with the intent, and read what the buyer told Stripe of themselves.
    secret_fields = ("client_secret",)

    @property
    def throttle_scope(self) -> str:
        """The rate of payments that are begun. A call that can begin none has the ordinary one:
        whoever comes back to an open payment, as after a debit that failed, or asks for an order
        that is paid already, isn't locked out of what they want to pay next."""
        body, user_id = self.request.data, current_user_id(self.request)
        order_id = body.get("order_id") if isinstance(body, Mapping) else None
        may_begin = selectors.may_begin_payment(order_id=order_id, user_id=user_id)
        return "payment" if may_begin else ""

    @extend_schema(
        operation_id="payments_create_intent",
        tags=["Payments"],
        summary="Start paying an order",
        description=(
            "Returns the order's Stripe payment intent: 201 when it was made now, 200 when it was "
            "there. Amount and currency are the order's. `status` says how far it is: with "
            "`processing` money is on its way, and there is nothing to pay. 409 "
            "`ORDER_NOT_PAYABLE` when the order isn't pending, or when paying it would open "
            "nothing, as its courses are the buyer's by now; 503 `PAYMENTS_UNAVAILABLE` while "
            "Stripe isn't configured or doesn't answer. Honours `Idempotency-Key`: "
            "a repeat is answered by the same intent, with its `status` by then, as long as the "
            "order can be paid by it."
        ),
        parameters=[
            OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER, required=False)
        ],
        request=CreateIntentSerializer,
        responses={
            201: PaymentIntentSerializer,
            200: PaymentIntentSerializer,
            404: _NO_ORDER,
            409: OpenApiResponse(
                description="`ORDER_NOT_PAYABLE` with `details.order_status`, and where it is "
                "pending and would open nothing `details.lines` (`course_id`, `title`, `reason`); "
                "`IDEMPOTENCY_KEY_REUSED`, `IDEMPOTENCY_IN_PROGRESS`"
            ),
            422: OpenApiResponse(
                description="`VALIDATION_ERROR`; `IDEMPOTENCY_KEY_INVALID`; "
                "`PAYMENT_REFUSED` with "
                "Stripe's code in `details.provider_code`"
            ),
            503: _NO_STRIPE,
        },
        examples=[
            OpenApiExample("Request", {"order_id": _ORDER}, request_only=True),
            OpenApiExample(
                "Created",
                {
                    "payment_intent_id": "pi_3Nxxxxx",
                    "client_secret": "pi_3Nxxxxx_secret_xxxxx",
                    "publishable_key": "pk_live_xxxxx",
                    "amount": 16998,
                    "currency": "usd",
                    "status": "requires_payment_method",
                },
                response_only=True,
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        # A repeat may look at the intent it was answered, and then make another.
        with deadline(seconds=settings.STRIPE_DEADLINE_SECONDS):
            return super().post(request)

    def create(self, request: Request) -> Response:
        intent = services.create_payment_intent(
            order_id=_read_order_id(request), user_id=current_user_id(request)
        )
        return Response(PaymentIntentSerializer(intent).data, status=201 if intent.created else 200)

    def refill(self, request: Request, body: dict[str, Any]) -> dict[str, Any] | None:
        intent = services.find_payment_intent(
            order_id=_read_order_id(request),
            user_id=current_user_id(request),
            payment_intent_id=body["payment_intent_id"],
        )
        if intent is None:
            return None
        return {**body, "client_secret": intent.client_secret, "status": intent.status}


class ConfirmPaymentView(APIView):
    """POST /payments/confirm-payment/

    Under the ordinary rate, unlike the start of a payment: it is asked again while a bank takes its
    time, and moves no money.
    """

    @extend_schema(
        operation_id="payments_confirm",
        tags=["Payments"],
        summary="Report that the buyer has paid",
        description=(
            "Looks the intent up at Stripe and completes the order if it succeeded. Until then "
            "answers 200 with Stripe's state, never `succeeded`. 400 `INVALID_PAYMENT` when intent "
            "and order don't belong together, 409 `ORDER_NOT_PAYABLE` when the money came after "
            "the order was closed (it is refunded). The webhook settles the order without this."
        ),
        request=ConfirmPaymentSerializer,
        responses={
            200: ConfirmationSerializer,
            400: OpenApiResponse(description="`INVALID_PAYMENT`; `BAD_REQUEST`"),
            404: _NO_ORDER,
            409: OpenApiResponse(
                description="`ORDER_NOT_PAYABLE`: what was paid is on its way back"
            ),
            503: _NO_STRIPE,
        },
        examples=[
            OpenApiExample(
                "Request", {"order_id": _ORDER, "payment_intent_id": "pi_xxxxx"}, request_only=True
            ),
            OpenApiExample(
                "Paid",
                {
                    "order_id": _ORDER,
                    "status": "succeeded",
                    "message": "Payment processed successfully",
                    "error": None,
                },
                response_only=True,
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        body = ConfirmPaymentSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        confirmation = services.confirm_payment(
            order_id=body.validated_data["order_id"],
            user_id=current_user_id(request),
            payment_intent_id=body.validated_data["payment_intent_id"],
        )
        return Response(_present(confirmation))


class StripeWebhookView(APIView):
    """POST /payments/webhook/stripe/"""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_scope = None

    @extend_schema(
        operation_id="payments_stripe_webhook",
        tags=["Payments"],
        summary="Stripe's webhook",
        description=(
            "For Stripe only: the raw body must carry a valid `Stripe-Signature`. The event is "
            "stored once by its id, answered 200 and handled by a worker."
        ),
        request={"application/json": {"type": "object", "description": "A Stripe event"}},
        responses={
            200: WebhookAnswerSerializer,
            503: OpenApiResponse(description="Stripe isn't configured here"),
        },
        examples=[OpenApiExample("Stored", {"received": True}, response_only=True)],
    )
    def post(self, request: Request) -> Response:
        if not stripe_gateway.is_configured():
            raise PaymentsUnavailable("Payments are not configured")
        if refusal := request.META.get(services.REFUSED_AHEAD):
            raise refusal
        services.receive_event(
            raw_body=request._request.body,
            signature=request.headers.get("Stripe-Signature", ""),
        )
        return Response({"received": True})


def _read_order_id(request: Request) -> uuid.UUID:
    body = CreateIntentSerializer(data=request.data)
    body.is_valid(raise_exception=True)
    order_id: uuid.UUID = body.validated_data["order_id"]
    return order_id


def _present(confirmation: services.Confirmation) -> dict[str, object]:
    error = {"code": confirmation.error_code, "message": confirmation.error_message}
    return {
        "order_id": str(confirmation.order_id),
        "status": confirmation.status,
        "message": _MESSAGES.get(confirmation.status, "The payment is not complete"),
        "error": error if confirmation.error_code and confirmation.status != "succeeded" else None,
    }
