"""Orders with their lines."""

import time

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from core.admin import (
    ReadOnlyAdmin,
    ReadOnlyInline,
    admin_link,
    going_on,
    money_column,
    text_lines,
)
from orders import services
from orders.admin.wording import describe_party, describe_taxes
from orders.documents.facts import read_buyer
from orders.models import Invoice, Order, OrderItem

# How long the provider is asked to end the payments of all that are closed in one go, each within
# the time of a request; well before a proxy gives up on the page.
CLOSING_SECONDS = 20.0


class OrderItemInline(ReadOnlyInline):
    """The lines, as they were bought."""

    model = OrderItem
    fields = (
        "course", "instructor", "price_at_purchase", "discount_amount", "tax_amount",
        "refunded_amount", "state", "access",
    )  # fmt: skip
    readonly_fields = fields
    show_change_link = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[OrderItem]:
        items: QuerySet[OrderItem] = super().get_queryset(request)
        return items.select_related("course", "instructor", "enrollment")

    @admin.display(description="Access")
    def access(self, item: OrderItem) -> str:
        """What the line opened, and how it stands now."""
        enrollment = item.enrollment
        return admin_link(enrollment, enrollment.get_status_display()) if enrollment else "-"


class InvoiceInline(ReadOnlyInline):
    """The invoice, once there is one."""

    model = Invoice
    fields = ("issued_at", "total_amount", "tax_amount", "currency")
    readonly_fields = fields
    show_change_link = True


class FailureFilter(admin.SimpleListFilter):
    """Orders by why they failed."""

    title = "failure reason"
    parameter_name = "failed_because"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [(reason, reason) for reason in ("expired", "replaced", "canceled")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order] | None:
        return queryset.filter(failure_reason=self.value()) if self.value() else queryset


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    """Orders with their lines and how they were paid."""

    lines_total = money_column("subtotal")
    discount = money_column("discount_amount")
    total = money_column("total_amount")
    refunded = money_column("refunded_amount")
    list_display = (
        "order_number", "created_at", "user", "status", "total",
        "refunded", "completed_at",
    )  # fmt: skip
    list_filter = ("status", FailureFilter, "created_at")
    list_select_related = ("user",)
    search_fields = (
        "order_number", "invoice__number", "user__email", "payment_id", "transaction_id",
    )  # fmt: skip
    search_help_text = "Order or invoice number, e-mail, payment intent or charge"
    date_hierarchy = "created_at"
    show_full_result_count = False
    inlines = (OrderItemInline, InvoiceInline)
    actions = ("close_pending",)
    fieldsets = (
        (None, {"fields": ("order_number", "user", "status", "failure_reason")}),
        (
            "Amounts",
            {
                "fields": (
                    "lines_total", "coupon", "discount", "taxes",
                    "total", "refunded",
                )
            },
        ),
        (
            "Payment",
            {
                "fields": (
                    "payment_method", "payment_id", "transaction_id", "payment_in_progress_since",
                )
            },
        ),
        ("Billing address", {"fields": ("address",)}),
        ("Times", {"fields": ("created_at", "expires_at", "completed_at")}),
    )  # fmt: skip

    @admin.display(description="Tax")
    def taxes(self, order: Order) -> str:
        """Each tax by its name and rate."""
        return text_lines(describe_taxes(order.tax_lines, order.currency))

    @admin.display(description="Address")
    def address(self, order: Order) -> str:
        """As on an envelope, with the mail address."""
        return text_lines(describe_party(read_buyer(order.billing_address)))

    @admin.action(description="Close pending orders", permissions=["act"])
    def close_pending(self, request: HttpRequest, queryset: QuerySet[Order]) -> None:
        """End the chosen orders unpaid; those that aren't pending any more stay as they are, and so
        do those that can't be closed, each with the reason."""
        ends_at = time.monotonic() + CLOSING_SECONDS
        closed = []
        for order_id, number in queryset.order_by("id").values_list("id", "order_number"):
            with going_on(self, request, f"{number} stays open"):
                is_closed = services.close_order(
                    order_id=order_id,
                    reason="canceled",
                    actor_id=request.user.pk,
                    seconds=max(0.0, ends_at - time.monotonic()),
                )
                closed.append(is_closed)
        self.message_user(request, f"{sum(closed)} orders closed.")
        if left := len(closed) - sum(closed):
            text = f"{left} orders were not pending and stay as they are."
            self.message_user(request, text, level=messages.WARNING)
