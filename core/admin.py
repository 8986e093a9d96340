"""The outbox and the audit trail, for staff."""

from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from core import outbox
from core.models import AuditEntry, OutboxDelivery
from core.money import money_text


def money_column(
    name: str, *, currency: str = "currency", label: str = ""
) -> Callable[[Any, Any], str]:
    """Return a method of a ModelAdmin that shows the amount of that name with its currency, which
    is found by the path `currency` ("payment__currency"). A list sorts by the amount."""
    path = currency.replace("__", ".")

    @admin.display(description=label or name.removesuffix("_amount"), ordering=name)
    def column(_: Any, row: Any) -> str:
        amount = getattr(row, name)
        if amount is None:
            return "-"
        # In a narrow column it stays on one line.
        return money_text(amount, attrgetter(path)(row)).replace(" ", "\N{NO-BREAK SPACE}")

    return column


def text_lines(lines: Iterable[str]) -> str:
    """Return the lines one below the other as HTML, escaped; a dash where there is none."""
    return format_html_join("", "<div>{}</div>", ((line,) for line in lines if line)) or "-"


def admin_link(row: Any, text: str) -> str:
    """Return a link to the admin's page of a row."""
    name = f"admin:{row._meta.app_label}_{row._meta.model_name}_change"
    return format_html('<a href="{}">{}</a>', reverse(name, args=[row.pk]), text)


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

    list_display = ("created_at", "action", "target_type", "target_id", "actor")
    list_filter = ("action",)
    search_fields = ("target_id", "actor_id", "actor_name")
    search_help_text = "Id of what it was done to, or who did it"
    fields = ("created_at", "action", "actor", "actor_id", "target_type", "target_id", "details")
    date_hierarchy = "created_at"
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEntry]:
        """With who acted, by the name people sign in with: no foreign key leads there."""
        people = get_user_model()._default_manager.filter(pk=OuterRef("actor_id"))
        names = people.values(get_user_model().USERNAME_FIELD)
        entries: QuerySet[AuditEntry] = super().get_queryset(request)
        return entries.annotate(actor_name=Subquery(names))

    @admin.display(description="By")
    def actor(self, entry: AuditEntry) -> str:
        """Who did it; the bare id of somebody whose account is gone."""
        if entry.actor_id is None:
            return "the system"
        return str(getattr(entry, "actor_name", None) or entry.actor_id)
