"""Disputes, for staff."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from core.admin import ReadOnlyAdmin, ValuesByIndexFilter, admin_link, money_column
from payments.models import Dispute


class UndecidedFilter(admin.SimpleListFilter):
    """Disputes that wait for evidence or for the bank."""

    title = "decided"
    parameter_name = "decided"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [("no", "Still open"), ("yes", "Over")]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Dispute]
    ) -> QuerySet[Dispute] | None:
        if self.value() is None:
            return queryset
        return queryset.filter(closed_at__isnull=self.value() == "no")


@admin.register(Dispute)
class DisputeAdmin(ReadOnlyAdmin):
    """Chargebacks. They are answered at Stripe, by their date."""

    list_display = (
        "stripe_dispute_id", "order", "buyer", "money", "reason", "status", "evidence_due_at",
        "opened_at", "closed_at",
    )  # fmt: skip
    list_filter = (
        UndecidedFilter, ("status", ValuesByIndexFilter), ("reason", ValuesByIndexFilter),
    )  # fmt: skip
    list_select_related = ("payment__order__user",)
    search_fields = (
        "stripe_dispute_id", "payment__stripe_payment_id", "payment__order__order_number",
        "payment__order__user__email",
    )  # fmt: skip
    search_help_text = "Dispute or payment intent, order number or e-mail"
    fieldsets = (
        (None, {"fields": ("stripe_dispute_id", "order_link", "payment", "buyer")}),
        ("What is at stake", {"fields": ("money", "fee", "reason", "status")}),
        ("Times", {"fields": ("opened_at", "evidence_due_at", "closed_at")}),
    )
    date_hierarchy = "opened_at"
    show_full_result_count = False

    money = money_column("amount")
    fee = money_column("fee_amount", label="Stripe's fee")

    @admin.display(ordering="payment__order__order_number")
    def order(self, dispute: Dispute) -> str:
        return dispute.payment.order.order_number

    @admin.display(description="Order")
    def order_link(self, dispute: Dispute) -> str:
        return admin_link(dispute.payment.order, dispute.payment.order.order_number)

    @admin.display(ordering="payment__order__user__email")
    def buyer(self, dispute: Dispute) -> str:
        return str(dispute.payment.order.user or "-")
