"""Payments, refunds, disputes and Stripe's events, for staff. All are read-only: money moves by
services, never by editing a row."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from core.admin import ReadOnlyAdmin
from payments import services
from payments.models import Dispute, Payment, Refund, RefundRequest, StripeEvent


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


@admin.register(Dispute)
class DisputeAdmin(ReadOnlyAdmin):
    """Chargebacks."""

    list_display = ("stripe_dispute_id", "payment", "amount", "reason", "status", "opened_at")
    list_filter = ("status", "reason")
    list_select_related = ("payment",)
    search_fields = ("stripe_dispute_id", "payment__stripe_payment_id")


@admin.register(StripeEvent)
class StripeEventAdmin(ReadOnlyAdmin):
    """The inbox: what Stripe told us and what came of it."""

    list_display = ("id", "type", "object_id", "status", "attempts", "received_at", "handled_at")
    list_filter = ("status", "type")
    search_fields = ("id", "object_id")
    show_full_result_count = False
    actions = ("resend",)

    @admin.action(description="Handle again", permissions=["view"])
    def resend(self, request: HttpRequest, queryset: QuerySet[StripeEvent]) -> None:
        count = services.resend_events(event_ids=list(queryset.values_list("id", flat=True)))
        self.message_user(request, f"{count} events are due again.")
