"""Receipts and credit notes over HTTP."""

import uuid

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from orders import selectors
from orders.serializers import CreditNotesSerializer
from orders.views.readers import reader_of
from users.rights import Right

_NOT_FOUND = "`ORDER_NOT_FOUND`: no such order, or another person's"

_HELD_BACK = OpenApiResponse(
    description="`DOCUMENT_HELD_BACK`: a name or an address has letters that can't be printed yet, "
    "`details.characters` names them; staff know of it"
)


class ReceiptView(APIView):
    """GET /orders/{id}/receipt/"""

    @extend_schema(
        operation_id="orders_receipt",
        tags=["Orders"],
        summary="Download the receipt",
        description=(
            "The receipt of a paid order as a PDF, with its invoice number, as everything was when "
            "it was paid. Staff with the right to view invoices may have anybody's."
        ),
        responses={
            (200, "application/pdf"): OpenApiTypes.BINARY,
            404: OpenApiResponse(description=f"{_NOT_FOUND}; `RECEIPT_NOT_FOUND`: it isn't paid"),
            409: _HELD_BACK,
        },
    )
    def get(self, request: Request, order_id: uuid.UUID) -> HttpResponse:
        return _as_file(
            *selectors.get_receipt(
                order_id=order_id, user_id=reader_of(request, Right.SEE_RECEIPTS)
            )
        )


class CreditNotesView(APIView):
    """GET /orders/{id}/credit-notes/"""

    @extend_schema(
        operation_id="orders_credit_notes",
        tags=["Orders"],
        summary="Credit notes of an order",
        description=(
            "One for each refund and each dispute that was lost, oldest first. `voided_at` tells "
            "that the refund failed at the bank after all, or that the dispute was won on appeal. "
            "Staff with the right to view credit notes may have anybody's."
        ),
        responses={200: CreditNotesSerializer, 404: OpenApiResponse(description=_NOT_FOUND)},
        examples=[
            OpenApiExample(
                "One",
                value={
                    "results": [
                        {
                            "number": "CN-2026-00001",
                            "issued_at": "2026-02-03T09:00:00Z",
                            "voided_at": None,
                            "total_amount": 89.99,
                            "tax_amount": 0.0,
                            "currency": "usd",
                        }
                    ]
                },
                response_only=True,
            )
        ],
    )
    def get(self, request: Request, order_id: uuid.UUID) -> Response:
        notes = selectors.list_credit_notes(
            order_id=order_id, user_id=reader_of(request, Right.SEE_CREDIT_NOTES)
        )
        return Response(CreditNotesSerializer({"results": notes}).data)


class CreditNoteView(APIView):
    """GET /orders/{id}/credit-notes/{number}/"""

    @extend_schema(
        operation_id="orders_credit_note",
        tags=["Orders"],
        summary="Download a credit note",
        description=(
            "The credit note of a refund, or of a dispute that was lost, as a PDF. Staff with the "
            "right to view credit notes may have anybody's."
        ),
        responses={
            (200, "application/pdf"): OpenApiTypes.BINARY,
            404: OpenApiResponse(
                description=f"{_NOT_FOUND}; `CREDIT_NOTE_NOT_FOUND`: it has none of this number"
            ),
            409: _HELD_BACK,
        },
    )
    def get(self, request: Request, order_id: uuid.UUID, number: str) -> HttpResponse:
        document = selectors.get_credit_note(
            order_id=order_id,
            number=number,
            user_id=reader_of(request, Right.SEE_CREDIT_NOTES),
        )
        return _as_file(*document)


def _as_file(name: str, content: bytes) -> HttpResponse:
    response = HttpResponse(content, content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    # Names and addresses: for the one who asked, not for a cache on the way.
    response["Cache-Control"] = "private, no-store"
    return response
