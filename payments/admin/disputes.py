"""Disputes, for staff."""

from django.contrib import admin

from core.admin import ReadOnlyAdmin
from payments.models import Dispute


@admin.register(Dispute)
class DisputeAdmin(ReadOnlyAdmin):
    """Chargebacks."""

    list_display = ("stripe_dispute_id", "payment", "amount", "reason", "status", "opened_at")
    list_filter = ("status", "reason")
    list_select_related = ("payment",)
    search_fields = ("stripe_dispute_id", "payment__stripe_payment_id")
