"""The outbox and the audit trail, for staff."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from core import outbox
from core.models import AuditEntry, OutboxDelivery


class ReadOnlyAdmin(admin.ModelAdmin[Any]):
    """Rows that only the product itself writes."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(OutboxDelivery)
class OutboxDeliveryAdmin(ReadOnlyAdmin):
    """What waits, what was delivered, and what gave up."""

    list_display = ("event", "handler", "status", "attempts", "next_attempt_at", "last_error")
    list_filter = ("status", "handler")
    list_select_related = ("event",)
    search_fields = ("event__name", "handler")
    show_full_result_count = False
    actions = ("resend",)

    @admin.action(description="Deliver dead ones again", permissions=["view"])
    def resend(self, request: HttpRequest, queryset: QuerySet[OutboxDelivery]) -> None:
        count = outbox.resend(delivery_ids=list(queryset.values_list("id", flat=True)))
        self.message_user(request, f"{count} deliveries are due again.")


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """Who did what to what."""

    list_display = ("created_at", "action", "target_type", "target_id", "actor_id")
    list_filter = ("action",)
    search_fields = ("target_id", "actor_id")
    date_hierarchy = "created_at"
    show_full_result_count = False
