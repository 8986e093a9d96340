"""What the comparison with Stripe found, for staff."""

from django.contrib import admin
from django.db.models import F

from core.admin import ReadOnlyAdmin
from payments.models import ReconciliationDifference, ReconciliationRun


@admin.register(ReconciliationDifference)
class ReconciliationDifferenceAdmin(ReadOnlyAdmin):
    """What we have otherwise than Stripe, or books that contradict each other: open ones first."""

    list_display = (
        "created_at", "kind", "object_type", "object_id", "ours", "theirs", "last_seen_at",
        "resolved_at", "healed", "holds",
    )  # fmt: skip
    list_filter = (("resolved_at", admin.EmptyFieldListFilter), "healed", "kind", "object_type")
    ordering = (F("resolved_at").desc(nulls_first=True), "-created_at")
    search_fields = ("object_id",)
    date_hierarchy = "created_at"
    show_full_result_count = False

    @admin.display(description="Holds payouts of")
    def holds(self, difference: ReconciliationDifference) -> str:
        return ", ".join(difference.earners) if difference.resolved_at is None else ""


@admin.register(ReconciliationRun)
class ReconciliationRunAdmin(ReadOnlyAdmin):
    """Each comparison with Stripe and how far it came."""

    list_display = (
        "created_at", "since", "finished_at", "payments_compared", "refunds_compared",
        "disputes_compared", "transfers_compared", "differences_healed", "totals", "balances",
        "error",
    )  # fmt: skip
    show_full_result_count = False
