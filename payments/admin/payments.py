"""Payments, for staff. Read-only: money moves by services, never by editing a row."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from core.admin import ReadOnlyAdmin
from payments.models import Payment, Refund


class AttentionFilter(admin.SimpleListFilter):
    """Payments that staff should look at."""

    title = "attention"
    parameter_name = "attention"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [("yes", "Needs attention")]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Payment]
    ) -> QuerySet[Payment] | None:
        return queryset.exclude(needs_attention="") if self.value() == "yes" else queryset


class RefundInline(admin.TabularInline[Refund, Payment]):
    """The refunds of a payment."""

    model = Refund
    extra = 0
    can_delete = False
    fields = ("amount", "status", "reason", "stripe_refund_id", "last_error", "created_at")
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest, obj: Payment | None = None) -> bool:
        return False


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    """Each payment intent and how it went."""

    list_display = (
        "stripe_payment_id", "order", "amount", "currency", "status", "stripe_status",
        "needs_attention", "created_at",
    )  # fmt: skip
    list_filter = (AttentionFilter, "status", "currency")
    list_select_related = ("order",)
    search_fields = ("stripe_payment_id", "stripe_charge_id", "order__order_number")
    date_hierarchy = "created_at"
    show_full_result_count = False
    inlines = (RefundInline,)
