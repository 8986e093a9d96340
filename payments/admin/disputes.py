"""Disputes, for staff."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from core.admin import ReadOnlyAdmin
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
        "stripe_dispute_id", "payment", "amount", "currency", "fee_amount", "reason", "status",
        "evidence_due_at", "opened_at", "closed_at",
    )  # fmt: skip
    list_filter = (UndecidedFilter, "status", "reason")
    list_select_related = ("payment",)
    search_fields = (
        "stripe_dispute_id", "payment__stripe_payment_id", "payment__order__order_number"
    )  # fmt: skip
    date_hierarchy = "opened_at"
    show_full_result_count = False
