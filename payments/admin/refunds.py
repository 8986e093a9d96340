"""Refunds and what buyers ask for, for staff."""

from django import forms
from django.contrib import admin
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html_join

from core.admin import (
    ReadOnlyAdmin,
    ReadOnlyInline,
    ValuesByIndexFilter,
    admin_link,
    ask,
    going_on,
    is_confirmed,
    money_column,
    text_lines,
)
from core.money import money_text
from payments import services
from payments.admin.acting import acting_user
from payments.admin.wording import describe_request
from payments.models import Payment, Refund, RefundLine, RefundRequest
from users.rights import Right, has_right


class RefundLineInline(ReadOnlyInline):
    """What of a refund is for which line."""

    model = RefundLine
    fields = ("order_item", "amount")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[RefundLine]:
        lines: QuerySet[RefundLine] = super().get_queryset(request)
        return lines.select_related("order_item")


class RefundTroubleFilter(admin.SimpleListFilter):
    """Refunds that staff should look at."""

    title = "trouble"
    parameter_name = "trouble"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [("yes", "Tried in vain, and still due")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Refund]) -> QuerySet[Refund] | None:
        if self.value() != "yes":
            return queryset
        return queryset.filter(status=Refund.Status.DUE).exclude(last_error="")


@admin.register(Refund)
class RefundAdmin(ReadOnlyAdmin):
    """Money that went back or is about to."""

    list_display = (
        "created_at", "order", "buyer", "money", "status", "reason", "requested_by",
        "failure_reason", "undone_at",
    )  # fmt: skip
    list_filter = (RefundTroubleFilter, "status", ("reason", ValuesByIndexFilter))
    list_select_related = ("payment__order__user", "requested_by")
    search_fields = (
        "stripe_refund_id", "payment__stripe_payment_id", "payment__order__order_number",
        "payment__order__user__email",
    )  # fmt: skip
    search_help_text = "Refund or payment intent, order number or e-mail"
    date_hierarchy = "created_at"
    show_full_result_count = False
    inlines = (RefundLineInline,)
    fieldsets = (
        (None, {"fields": ("order_link", "payment", "buyer", "money", "status")}),
        ("Why", {"fields": ("reason", "requested_by", "note")}),
        ("At Stripe", {"fields": ("stripe_refund_id", "failure_reason", "last_error", "attempts")}),
        ("Times", {"fields": ("created_at", "applied_at", "undone_at", "next_attempt_at")}),
    )

    money = money_column("amount", currency="payment__currency")

    @admin.display(ordering="payment__order__order_number")
    def order(self, refund: Refund) -> str:
        return refund.payment.order.order_number

    @admin.display(description="Order")
    def order_link(self, refund: Refund) -> str:
        return admin_link(refund.payment.order, refund.payment.order.order_number)

    @admin.display(ordering="payment__order__user__email")
    def buyer(self, refund: Refund) -> str:
        return str(refund.payment.order.user or "-")


class RefusalForm(forms.Form):
    """Why not."""

    reason = forms.CharField(
        max_length=1000, widget=forms.Textarea({"rows": 3}), label="Reason, as the buyer is told"
    )


@admin.register(RefundRequest)
class RefundRequestAdmin(ReadOnlyAdmin):
    """What buyers ask for. The actions decide."""

    list_display = (
        "created_at", "order", "user", "status", "approved", "reason", "decided_by", "decided_at",
    )  # fmt: skip
    list_filter = ("status",)
    list_select_related = ("order", "user", "decided_by", "refund__payment")
    search_fields = ("order__order_number", "user__email")
    date_hierarchy = "created_at"
    show_full_result_count = False
    actions = ("approve", "refuse")
    fieldsets = (
        (None, {"fields": ("order", "user", "asked_for", "reason", "status")}),
        ("Decision", {"fields": ("decided_by", "decision_reason", "refunds")}),
        ("Times", {"fields": ("created_at", "decided_at")}),
    )

    @admin.display(description="Approved refund")
    def approved(self, request: RefundRequest) -> str:
        """What staff approved, and how far the money is; it is granted once that has gone."""
        refund = request.refund
        if refund is None:
            return "-"
        return f"{money_text(refund.amount, refund.payment.currency)}, {refund.status}"

    @admin.display(description="Asks for")
    def asked_for(self, request: RefundRequest) -> str:
        """Each course with what was paid for it."""
        currency = request.order.currency
        items = request.order_items.order_by("created_at", "id")
        return text_lines(f"{item}: {money_text(item.paid_amount, currency)}" for item in items)

    @admin.display(description="Refunds")
    def refunds(self, request: RefundRequest) -> str:
        """The way to each refund of what was asked for, newest first; several may settle it. One
        that names no line may be of any."""
        of_order = Refund.objects.filter(
            payment__order=request.order_id, payment__stripe_payment_id=request.order.payment_id
        )
        wanted = Q(lines__order_item__in=request.order_items.all()) | Q(lines=None)
        links = (
            (admin_link(refund, money_text(refund.amount, request.order.currency)),
             f"{refund.status}, {refund.created_at:%Y-%m-%d}")
            for refund in of_order.filter(wanted).distinct()
        )  # fmt: skip
        return format_html_join("", "<div>{} ({})</div>", links) or "-"

    def has_decide_permission(self, request: HttpRequest) -> bool:
        """Whether this member of staff may decide: the right to give money back."""
        return has_right(request.user, Right.REFUND)

    @admin.action(description="Grant…", permissions=["decide"])
    @transaction.atomic
    def approve(
        self, request: HttpRequest, queryset: QuerySet[RefundRequest]
    ) -> HttpResponse | None:
        """Refund what was asked for, after a look at it."""
        requests = _lock(queryset)
        rows = [describe_request(one) for one in requests]
        if is_confirmed(request, rows):
            for one in requests:
                self._decide(request, one, reason=None)
            return None
        return ask(
            request, self, queryset, action="approve", title="Grant these requests",
            explanation="The lines asked for are refunded, and their courses are closed, unless "
            "staff have granted them since.",
            rows=rows, form=forms.Form(),
        )  # fmt: skip

    @admin.action(description="Decline…", permissions=["decide"])
    @transaction.atomic
    def refuse(
        self, request: HttpRequest, queryset: QuerySet[RefundRequest]
    ) -> HttpResponse | None:
        """Say no, and why."""
        requests = _lock(queryset)
        rows = [describe_request(one) for one in requests]
        form = RefusalForm(request.POST if is_confirmed(request, rows) else None)
        if form.is_bound and form.is_valid():
            for one in requests:
                self._decide(request, one, reason=form.cleaned_data["reason"])
            return None
        return ask(
            request, self, queryset, action="refuse", title="Decline these requests",
            explanation="The buyers are told by mail.",
            rows=rows, form=form,
        )  # fmt: skip

    def _decide(self, request: HttpRequest, one: RefundRequest, *, reason: str | None) -> None:
        actor_id = acting_user(request).id
        with going_on(self, request, str(one.order)):
            if reason is None:
                services.approve_request(request_id=one.id, actor_id=actor_id)
            else:
                services.refuse_request(request_id=one.id, actor_id=actor_id, reason=reason)
            self.message_user(
                request, f"{one.order}: {'approved' if reason is None else 'declined'}."
            )


def _lock(queryset: QuerySet[RefundRequest]) -> list[RefundRequest]:
    """Return the chosen requests, with the payments of their orders locked, so that what a page
    says would go back is what goes back."""
    paid = Payment.objects.filter(
        order_id__in=list(queryset.values_list("order_id", flat=True)),
        status=Payment.Status.SUCCEEDED,
    )
    services.lock_payments(payment_ids=list(paid.values_list("id", flat=True)))
    return list(queryset.select_related("order", "user").order_by("created_at"))
