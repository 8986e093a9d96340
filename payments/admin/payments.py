"""Payments, for staff. Read-only: money moves by services, never by editing a row."""

import uuid
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from core.admin import ReadOnlyAdmin, ReadOnlyInline, ask, going_on, is_confirmed, money_column
from core.money import money_text
from payments import selectors, services
from payments.admin.acting import acting_user
from payments.admin.wording import describe_money
from payments.models import Dispute, Payment, Refund
from users.rights import Right, has_right


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


class RefundInline(ReadOnlyInline):
    """The refunds of a payment."""

    model = Refund
    fields = ("amount", "status", "reason", "stripe_refund_id", "failure_reason", "created_at")
    readonly_fields = fields
    show_change_link = True


class DisputeInline(ReadOnlyInline):
    """The disputes of a payment."""

    model = Dispute
    fields = ("stripe_dispute_id", "amount", "status", "reason", "evidence_due_at", "closed_at")
    readonly_fields = fields
    show_change_link = True


class RefundForm(forms.Form):
    """Why the money goes back."""

    note = forms.CharField(
        max_length=1000, required=False, widget=forms.Textarea({"rows": 3}), label="Note for staff"
    )


class RefundLinesForm(RefundForm):
    """Which lines of the order."""

    def __init__(self, *args: Any, payment: Payment, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        lines = selectors.list_refundable_lines(payment=payment)
        choices = [
            (str(line.id), f"{line.title}: {money_text(line.left_amount, payment.currency)}")
            for line in lines
            if line.is_refundable
        ]
        self.fields["items"] = forms.MultipleChoiceField(
            choices=choices, widget=forms.CheckboxSelectMultiple, label="Lines to refund"
        )


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    """Each payment intent and how it went. The actions refund it, wholly or by line."""

    list_display = (
        "created_at", "order", "buyer", "paid", "refunding", "status", "needs_attention",
        "stripe_payment_id",
    )  # fmt: skip
    list_filter = (AttentionFilter, "status")
    list_select_related = ("order__user",)
    search_fields = (
        "stripe_payment_id", "stripe_charge_id", "order__order_number", "order__user__email"
    )  # fmt: skip
    search_help_text = "Payment intent, charge, order number or e-mail"
    date_hierarchy = "created_at"
    show_full_result_count = False
    inlines = (RefundInline, DisputeInline)
    actions = ("refund_whole", "refund_lines", "clear_attention")
    fieldsets = (
        (None, {"fields": ("order", "buyer", "status", "needs_attention")}),
        ("Amounts", {"fields": ("paid", "refunding", "fee")}),
        (
            "At Stripe",
            {
                "fields": (
                    "stripe_payment_id", "stripe_charge_id", "stripe_status", "last_error_code",
                    "last_error_message", "metadata",
                )
            },
        ),
        ("Times", {"fields": ("created_at", "succeeded_at", "next_check_at")}),
    )  # fmt: skip

    paid = money_column("amount")
    refunding = money_column("refunding_amount", label="refunds")
    fee = money_column("fee_amount", label="Stripe's fee")

    @admin.display(ordering="order__user__email")
    def buyer(self, payment: Payment) -> str:
        return str(payment.order.user or "-")

    def has_refund_permission(self, request: HttpRequest) -> bool:
        """Whether this member of staff may give money back: the right to add refunds."""
        return has_right(request.user, Right.REFUND)

    @admin.action(description="Refund the whole order…", permissions=["refund"])
    @transaction.atomic
    def refund_whole(
        self, request: HttpRequest, queryset: QuerySet[Payment]
    ) -> HttpResponse | None:
        """Give back all that is left of each chosen payment."""
        payments = _lock(queryset)
        rows = [describe_money(payment) for payment in payments]
        form = RefundForm(request.POST if is_confirmed(request, rows) else None)
        if form.is_bound and form.is_valid():
            for payment in payments:
                self._refund(request, payment, None, form.cleaned_data["note"])
            return None
        return ask(
            request, self, queryset, action="refund_whole", title="Refund the whole order",
            explanation="All that is left of these payments goes back, and the courses they opened "
            "are closed, unless staff have granted them since.",
            rows=rows,
            form=form if any(map(_is_refundable, payments)) else None,
        )  # fmt: skip

    @admin.action(description="Refund chosen lines…", permissions=["refund"])
    @transaction.atomic
    def refund_lines(
        self, request: HttpRequest, queryset: QuerySet[Payment]
    ) -> HttpResponse | None:
        """Give back the lines of one payment that are chosen on the next page."""
        payments = _lock(queryset[:2])
        if len(payments) != 1:
            self.message_user(request, "Choose one payment to refund lines of.", messages.WARNING)
            return None
        (payment,) = payments
        rows = [describe_money(payment)]
        is_refundable = _is_refundable(payment)
        if is_refundable and not selectors.pays_its_order(payment=payment):
            # The order's lines aren't offered: this money paid none of them.
            is_refundable, rows = False, [f"{rows[0]}. {services.NO_LINE}."]
        given = request.POST if is_confirmed(request, rows) else None
        form = RefundLinesForm(given, payment=payment)
        if form.is_bound and form.is_valid():
            item_ids = [uuid.UUID(item) for item in form.cleaned_data["items"]]
            self._refund(request, payment, item_ids, form.cleaned_data["note"])
            return None
        return ask(
            request, self, queryset, action="refund_lines", title="Refund these lines",
            explanation="What is left of the chosen lines goes back, and their courses are closed, "
            "unless staff have granted them since.",
            rows=rows,
            form=form if is_refundable else None,
        )  # fmt: skip

    @admin.action(description="Mark as dealt with…", permissions=["refund"])
    @transaction.atomic
    def clear_attention(
        self, request: HttpRequest, queryset: QuerySet[Payment]
    ) -> HttpResponse | None:
        """Take their notes off the chosen payments, after a look at them."""
        payments = _lock(queryset)
        rows = [f"{one.order}: {one.needs_attention or 'nothing to deal with'}" for one in payments]
        if not is_confirmed(request, rows):
            return ask(
                request, self, queryset, action="clear_attention", title="Mark as dealt with",
                explanation="These notes are taken off; the audit trail keeps them.",
                rows=rows, form=forms.Form(),
            )  # fmt: skip
        count = services.clear_attention(
            payment_ids=[payment.id for payment in payments],
            actor_id=acting_user(request).id,
        )
        self.message_user(request, f"{count} payments dealt with.")
        return None

    def _refund(
        self,
        request: HttpRequest,
        payment: Payment,
        item_ids: list[uuid.UUID] | None,
        note: str,
    ) -> None:
        with going_on(self, request, str(payment.order)):
            refund = services.refund_payment(
                payment_id=payment.id,
                item_ids=item_ids,
                note=note,
                actor_id=acting_user(request).id,
            )
            amount = money_text(refund.amount, payment.currency)
            self.message_user(request, f"{payment.order}: {amount} are on their way back.")


def _lock(queryset: QuerySet[Payment]) -> list[Payment]:
    """Return the chosen payments, locked, so that what a page says of them is what is done."""
    return services.lock_payments(payment_ids=list(queryset.values_list("id", flat=True)))


def _is_refundable(payment: Payment) -> bool:
    return services.find_obstacle(payment=payment) is None
