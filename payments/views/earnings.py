"""What instructors earn and how they are paid."""

from typing import Any

from django.conf import settings
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.exceptions import NotAuthenticated
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.counted import CountedRows
from courses.errors import InstructorRequired
from payments import services
from payments.selectors import earnings, payouts
from payments.serializers.earnings import (
    EarningsEntrySerializer,
    EarningsSerializer,
    OnboardingSerializer,
    PayoutAccountSerializer,
    PayoutSerializer,
    StartOnboardingSerializer,
    StatementQuerySerializer,
)
from payments.statements import write_statement
from users.models import User

_TAGS = ["Earnings"]
_FORBIDDEN = OpenApiResponse(description="`INSTRUCTOR_REQUIRED`")
_COURSE = {
    "id": "019b76da-a800-7c3e-8f5d-3c1f0a5b7e21",
    "title": "Complete Web Development Bootcamp 2026",
}
_ENTRY = {
    "id": "019b76e1-0a1b-7c2d-8e3f-4a5b6c7d8e9f",
    "kind": "sale",
    "occurred_at": "2026-01-27T10:05:00Z",
    "available_at": "2026-02-26T10:05:00Z",
    "amount": 62.99,
    "currency": "usd",
    "order_number": "ORD-2026-00001",
    "course": _COURSE,
}
_EARNINGS = {
    "currency": "usd",
    "payouts_enabled": True,
    "pending": 62.99,
    "available": 314.95,
    "in_transit": 0.0,
    "paid_out": 1259.8,
    "lifetime": 1637.74,
    "courses": [
        {"course": _COURSE, "sales": 27, "earned": 1700.73, "returned": 62.99, "net": 1637.74}
    ],
}
_PAYOUT = {
    "id": "019b76e2-1b2c-7d3e-8f4a-5b6c7d8e9f0a",
    "created_at": "2026-03-01T06:00:00Z",
    "amount": 314.95,
    "returned_amount": 0.0,
    "currency": "usd",
    "status": "paid",
    "paid_at": "2026-03-01T06:00:09Z",
}
_ACCOUNT = {
    "payouts_enabled": True,
    "exists": True,
    "details_submitted": True,
    "is_ready": False,
    "trouble": None,
}


def _instructor(request: Request) -> User:
    """Return who asks. Raises InstructorRequired."""
    user = request.user
    if not isinstance(user, User):
        raise NotAuthenticated
    if not user.is_instructor:
        raise InstructorRequired
    return user


class EarningsView(APIView):
    """GET /instructor/earnings/"""

    @extend_schema(
        operation_id="instructor_earnings_retrieve",
        tags=_TAGS,
        summary="What I earned",
        description=(
            "The balances by the ledger, and what each course brought. `pending` is held back for "
            "refunds, `available` is paid next and carried forward when it is below zero."
        ),
        responses={200: EarningsSerializer, 403: _FORBIDDEN},
        examples=[OpenApiExample("Earnings", value=_EARNINGS, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        row = earnings.get_earnings(
            user_id=_instructor(request).id, payouts_enabled=services.are_payouts_enabled()
        )
        return Response(EarningsSerializer(row).data)


class EarningsEntriesView(GenericAPIView[Any]):
    """GET /instructor/earnings/entries/"""

    @extend_schema(
        operation_id="instructor_earnings_entries_list",
        tags=_TAGS,
        summary="Each movement of my money",
        description="Newest first: sales, refunds, disputes and payouts.",
        responses={200: EarningsEntrySerializer(many=True), 403: _FORBIDDEN},
        examples=[OpenApiExample("A sale", value=_ENTRY, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        user_id = _instructor(request).id
        entries: Any = CountedRows(
            rows=earnings.list_entries(user_id=user_id),
            total=lambda: earnings.count_entries(user_id=user_id),
        )
        page = self.paginate_queryset(entries)
        rows = earnings.to_entry_rows(page or [])
        return self.get_paginated_response(EarningsEntrySerializer(rows, many=True).data)


class EarningsStatementView(APIView):
    """GET /instructor/earnings/statement/"""

    @extend_schema(
        operation_id="instructor_earnings_statement",
        tags=_TAGS,
        summary="A month's statement",
        description=(
            "A CSV file: the balance before, each movement with the balance after it, and the "
            "balance in the end. A `month` that is none is 422."
        ),
        parameters=[StatementQuerySerializer],
        responses={
            (200, "text/csv"): OpenApiTypes.STR,
            403: _FORBIDDEN,
            422: OpenApiResponse(description="`VALIDATION_ERROR`: `month` is none"),
        },
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        user = _instructor(request)
        query = StatementQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        first = query.validated_data["first"]
        response = StreamingHttpResponse(
            write_statement(user_id=user.id, currency=settings.CURRENCY, **query.validated_data),
            content_type="text/csv; charset=utf-8",
        )
        response["Content-Disposition"] = f'attachment; filename="earnings-{first:%Y-%m}.csv"'
        response["Cache-Control"] = "private, no-store"
        return response


class PayoutsView(GenericAPIView[Any]):
    """GET /instructor/payouts/"""

    @extend_schema(
        operation_id="instructor_payouts_list",
        tags=_TAGS,
        summary="My payouts",
        description=(
            "Newest first. A `failed` one left the money with what is available, or brought all of "
            "it back there: then it has a `paid_at`. `returned_amount` is what was taken back of a "
            "paid one; those with a `paid_at`, less what was returned, add up to `paid_out`."
        ),
        responses={200: PayoutSerializer(many=True), 403: _FORBIDDEN},
        examples=[OpenApiExample("A payout", value=_PAYOUT, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(payouts.list_payouts(user_id=_instructor(request).id))
        rows = payouts.to_payout_rows(page or [])
        return self.get_paginated_response(PayoutSerializer(rows, many=True).data)


class PayoutAccountView(APIView):
    """GET and POST /instructor/payout-account/"""

    @extend_schema(
        operation_id="instructor_payout_account_retrieve",
        tags=_TAGS,
        summary="How far my payout account is",
        description="Asked of Stripe while it isn't ready.",
        responses={200: PayoutAccountSerializer, 403: _FORBIDDEN},
        examples=[OpenApiExample("Waiting for Stripe", value=_ACCOUNT, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        row = services.look_at_payout_account(user_id=_instructor(request).id)
        return Response(PayoutAccountSerializer(row).data)

    @extend_schema(
        operation_id="instructor_payout_account_onboard",
        tags=_TAGS,
        summary="Set up my payout account",
        description=(
            "Opens the account at Stripe if there is none, or another when it was rejected or is "
            "gone, and returns the address of Stripe's page for the details. `country` is where I "
            "live; left out it is the platform's own, or where the account is. 409 "
            "`PAYOUT_COUNTRY_FIXED` when the account is of another one. 503 `PAYOUTS_UNAVAILABLE` "
            "where payouts are off, 422 `PAYOUT_COUNTRY_UNSUPPORTED` for a country that Stripe "
            "doesn't pay to, `PAYMENT_REFUSED` for what else it refuses."
        ),
        request=StartOnboardingSerializer,
        responses={
            200: OnboardingSerializer,
            403: _FORBIDDEN,
            409: OpenApiResponse(description="`PAYOUT_COUNTRY_FIXED`"),
            422: OpenApiResponse(
                description="`VALIDATION_ERROR`; `PAYOUT_COUNTRY_UNSUPPORTED`; `PAYMENT_REFUSED`"
            ),
            503: OpenApiResponse(description="`PAYOUTS_UNAVAILABLE`; `PAYMENTS_UNAVAILABLE`"),
        },
        examples=[
            OpenApiExample("Request", {"country": "DE"}, request_only=True),
            OpenApiExample(
                "Where to go",
                {"url": "https://connect.stripe.com/setup/e/acct_xxxxx/xxxxx"},
                response_only=True,
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        user = _instructor(request)
        body = StartOnboardingSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        url = services.start_onboarding(
            user_id=user.id, email=user.email, country=body.validated_data["country"]
        )
        return Response({"url": url})
