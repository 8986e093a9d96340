"""What moves on our balance at Stripe by itself, for staff."""

from django.contrib import admin

from core.admin import ReadOnlyAdmin
from payments.models import BalanceMovement


@admin.register(BalanceMovement)
class BalanceMovementAdmin(ReadOnlyAdmin):
    """Payouts to our bank, top-ups, fees of no payment, reserves and adjustments, as Stripe tells
    of them. What isn't booked is only shown."""

    list_display = (
        "happened_at", "type", "amount", "fee", "net", "currency", "booked_as", "description",
        "source", "stripe_id",
    )  # fmt: skip
    list_filter = ("booked_as",)
    search_fields = ("stripe_id",)
    search_help_text = "Stripe's id of it (txn_…)"
    date_hierarchy = "happened_at"
    show_full_result_count = False
