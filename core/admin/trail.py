"""The outbox, the audit trail and the jobs, for staff."""

from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest

from core import outbox
from core.admin.base import ReadOnlyAdmin
from core.admin.choosing import MOST_RESENT
from core.admin.growing import MOST_FOUND, ValuesByIndexFilter, has_term
from core.models import AuditEntry, JobRun, OutboxDelivery


class GaveUpFilter(admin.SimpleListFilter):
    """Deliveries that gave up, by their handler. Of the others there is no filter by handler or
    queue: every sale would have to pay for its index."""

    title = "gave up in"
    parameter_name = "gave_up"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        handlers = _dead(OutboxDelivery.objects.all()).order_by("handler").distinct()
        return [(one, one) for one in handlers.values_list("handler", flat=True)[:100]]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[OutboxDelivery]
    ) -> QuerySet[OutboxDelivery]:
        return _dead(queryset).filter(handler=self.value()) if self.value() else queryset


def _dead(deliveries: QuerySet[OutboxDelivery]) -> QuerySet[OutboxDelivery]:
    return deliveries.filter(status=OutboxDelivery.Status.DEAD)


@admin.register(OutboxDelivery)
class OutboxDeliveryAdmin(ReadOnlyAdmin):
    """What waits, what was delivered, and what gave up."""

    list_display = (
        "event", "handler", "queue", "status", "attempts", "next_attempt_at", "last_error"
    )  # fmt: skip
    list_filter = ("status", GaveUpFilter)
    list_select_related = ("event",)
    search_fields = ("id", "event__id", "event__name")
    search_help_text = "The event's name, or the id of it or of its delivery"
    show_full_result_count = False
    actions = ("resend",)
    most_chosen = MOST_RESENT

    @admin.action(description="Deliver dead ones again", permissions=["act"])
    def resend(self, request: HttpRequest, queryset: QuerySet[OutboxDelivery]) -> None:
        chosen = list(queryset.values_list("id", flat=True))
        count = outbox.resend(delivery_ids=chosen, actor_id=request.user.pk)
        self.message_user(request, f"{count} deliveries are due again.")


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """Who did what to what."""

    list_display = ("created_at", "action", "target_type", "target_id", "actor", "address")
    list_filter = (("action", ValuesByIndexFilter),)
    search_fields = ("target_id", "actor_id")
    search_help_text = "Id of what it was done to, or who did it: id or e-mail"
    fields = (
        "created_at", "action", "actor", "actor_id", "address", "request_id", "target_type",
        "target_id", "details",
    )  # fmt: skip
    date_hierarchy = "created_at"
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEntry]:
        """With who acted, by the name people sign in with: no foreign key leads there."""
        people = get_user_model()._default_manager.filter(pk=OuterRef("actor_id"))
        names = people.values(get_user_model().USERNAME_FIELD)
        entries: QuerySet[AuditEntry] = super().get_queryset(request)
        return entries.annotate(actor_name=Subquery(names))

    def list_conditions(self, request: HttpRequest, term: str) -> list[Q]:
        """Also by the name that who acted signs in with."""
        people: Any = get_user_model()
        named = people._default_manager.filter(has_term(people, people.USERNAME_FIELD, term))
        ids = list(named.values_list("pk", flat=True)[:MOST_FOUND])
        return [*super().list_conditions(request, term), Q(actor_id__in=ids)]

    @admin.display(description="By")
    def actor(self, entry: AuditEntry) -> str:
        """Who did it; the bare id of somebody whose account is gone."""
        if entry.actor_id is None:
            return "the system"
        return str(getattr(entry, "actor_name", None) or entry.actor_id)


@admin.register(JobRun)
class JobRunAdmin(ReadOnlyAdmin):
    """When daily and hourly work was done, and how it went."""

    list_display = ("job", "due_at", "status", "started_at", "took", "result", "last_error")
    list_filter = ("status", ("job", ValuesByIndexFilter))
    fields = (
        "job", "due_at", "status", "attempts", "started_at", "finished_at", "took",
        "next_attempt_at", "result", "last_error",
    )  # fmt: skip
    readonly_fields = ("took",)
    date_hierarchy = "due_at"
    show_full_result_count = False

    @admin.display(description="Seconds")
    def took(self, run: JobRun) -> str:
        """How long the last attempt took."""
        return "-" if run.duration is None else f"{run.duration.total_seconds():.1f}"
