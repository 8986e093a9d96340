"""Mails and notices, for staff."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from core.admin import MOST_RESENT, ReadOnlyAdmin, ValuesByIndexFilter
from notifications import services
from notifications.models import Email, Notification


@admin.register(Email)
class EmailAdmin(ReadOnlyAdmin):
    """Each mail, whether it went out, and why not."""

    # The bodies carry sign-in links: not even staff read those here.
    exclude = ("text", "html")
    list_display = ("created_at", "kind", "to", "subject", "status", "attempts", "sent_at")
    list_filter = ("status", ("kind", ValuesByIndexFilter))
    search_fields = ("to", "dedupe_key")
    show_full_result_count = False
    actions = ("resend",)
    most_chosen = MOST_RESENT

    @admin.action(description="Send dead ones again", permissions=["act"])
    def resend(self, request: HttpRequest, queryset: QuerySet[Email]) -> None:
        chosen = queryset.values_list("id", flat=True)
        count = services.resend_emails(email_ids=chosen, actor_id=request.user.pk)
        self.message_user(request, f"{count} mails are due again.")


@admin.register(Notification)
class NotificationAdmin(ReadOnlyAdmin):
    """Notices inside the product."""

    list_display = ("created_at", "kind", "user", "title", "read_at")
    list_filter = (("kind", ValuesByIndexFilter),)
    list_select_related = ("user",)
    search_fields = ("user__email", "id")
    search_help_text = "E-mail or the notice's id"
    # As they were made, by their key.
    ordering = ("-id",)
    show_full_result_count = False
