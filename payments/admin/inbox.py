"""Stripe's events and what came of them, for staff."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from core.admin import MOST_RESENT, ReadOnlyAdmin, ValuesByIndexFilter
from payments import services
from payments.models import StripeEvent


@admin.register(StripeEvent)
class StripeEventAdmin(ReadOnlyAdmin):
    """The inbox: what Stripe told us and what came of it."""

    # Names and addresses of buyers, as Stripe tells them.
    exclude = ("payload",)
    list_display = ("id", "type", "object_id", "status", "attempts", "received_at", "handled_at")
    list_filter = ("status", ("type", ValuesByIndexFilter))
    search_fields = ("id", "object_id")
    show_full_result_count = False
    actions = ("resend",)
    most_chosen = MOST_RESENT

    @admin.action(description="Handle again", permissions=["act"])
    def resend(self, request: HttpRequest, queryset: QuerySet[StripeEvent]) -> None:
        chosen = list(queryset.values_list("id", flat=True))
        count = services.resend_events(event_ids=chosen, actor_id=request.user.pk)
        self.message_user(request, f"{count} events are due again.")
