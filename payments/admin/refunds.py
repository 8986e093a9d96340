"""Refunds and what buyers ask for, for staff."""

from django.contrib import admin

from core.admin import ReadOnlyAdmin
from payments.models import Refund, RefundRequest


@admin.register(Refund)
class RefundAdmin(ReadOnlyAdmin):
    """Money that went back or is about to."""

    list_display = (
        "created_at", "payment", "amount", "status", "reason", "requested_by", "last_error"
    )  # fmt: skip
    list_filter = ("status", "reason")
    list_select_related = ("payment", "requested_by")
    search_fields = ("stripe_refund_id", "payment__stripe_payment_id")
    show_full_result_count = False


@admin.register(RefundRequest)
class RefundRequestAdmin(ReadOnlyAdmin):
    """What buyers ask for."""

    list_display = ("created_at", "order", "status", "reason", "decided_by")
    list_filter = ("status",)
    list_select_related = ("order", "decided_by")
