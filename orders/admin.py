"""Orders, coupons and invoices for staff. What services own is shown, not typed in."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest

from core.admin import ReadOnlyAdmin
from orders import services
from orders.models import Coupon, Invoice, Order, OrderItem


class OrderItemInline(admin.TabularInline[OrderItem, Order]):
    """The lines, as they were bought."""

    model = OrderItem
    fields = (
        "title_at_purchase", "course", "price_at_purchase", "discount_amount", "refunded_amount",
        "state", "enrollment",
    )  # fmt: skip
    readonly_fields = fields
    extra = 0
    can_delete = False
    show_change_link = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[OrderItem]:
        return super().get_queryset(request).select_related("course", "enrollment")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class InvoiceInline(admin.StackedInline[Invoice, Order]):
    """The invoice, once there is one."""

    model = Invoice
    fields = ("number", "issued_at", "total_amount", "currency")
    readonly_fields = fields
    extra = 0
    can_delete = False
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    """Orders with their lines and how they were paid."""

    list_display = (
        "order_number", "user", "status", "total_amount", "refunded_amount", "currency",
        "created_at", "completed_at",
    )  # fmt: skip
    list_filter = ("status", "failure_reason", "currency", "created_at")
    list_select_related = ("user",)
    search_fields = ("order_number", "user__email", "payment_id", "transaction_id")
    search_help_text = "Order number, e-mail, payment intent or charge"
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
                    "currency", "subtotal", "coupon", "discount_amount", "total_amount",
                    "refunded_amount",
                )
            },
        ),
        ("Payment", {"fields": ("payment_method", "payment_id", "transaction_id")}),
        ("Billing address", {"fields": ("billing_address",)}),
        ("Times", {"fields": ("created_at", "expires_at", "completed_at")}),
    )  # fmt: skip

    def has_close_permission(self, request: HttpRequest) -> bool:
        """Whether this member of staff may close orders: the right to change them."""
        return bool(request.user.has_perm("orders.change_order"))

    @admin.action(description="Close pending orders", permissions=["close"])
    def close_pending(self, request: HttpRequest, queryset: QuerySet[Order]) -> None:
        """End the chosen orders unpaid; those that aren't pending any more stay as they are."""
        order_ids = list(queryset.order_by("id").values_list("id", flat=True))
        closed = [services.close_order(order_id=one, reason="canceled") for one in order_ids]
        self.message_user(request, f"{sum(closed)} orders closed.")
        if left := len(closed) - sum(closed):
            text = f"{left} orders were not pending and stay as they are."
            self.message_user(request, text, level=messages.WARNING)


class CouponForm(ModelForm[Coupon]):
    """A coupon as staff type it."""

    class Meta:
        model = Coupon
        fields = "__all__"  # noqa: DJ007 - every field of a coupon is staff's to set

    def clean_code(self) -> str:
        """Return the code as it is stored and compared."""
        return str(self.cleaned_data["code"]).strip().upper()


@admin.register(Coupon)
class CouponAdmin(admin.ModelAdmin[Coupon]):
    """Coupons. A change never touches orders made with one, and a used one can't be deleted."""

    list_display = (
        "code", "percent_off", "amount_off", "course", "valid_from", "valid_until", "is_active",
        "used", "max_redemptions",
    )  # fmt: skip
    list_filter = ("is_active", "valid_until")
    list_select_related = ("course",)
    search_fields = ("code", "course__title")
    raw_id_fields = ("course",)
    form = CouponForm
    date_hierarchy = "created_at"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Coupon]:
        return super().get_queryset(request).annotate(_used=Count("redemptions"))

    @admin.display(description="Used", ordering="_used")
    def used(self, coupon: Coupon) -> int:
        """How many open or paid orders have it."""
        return int(getattr(coupon, "_used", 0))


@admin.register(Invoice)
class InvoiceAdmin(ReadOnlyAdmin):
    """Invoices, for accounting."""

    list_display = ("number", "order", "total_amount", "currency", "issued_at")
    list_filter = ("currency", "issued_at")
    list_select_related = ("order",)
    search_fields = ("number", "order__order_number", "order__user__email")
    date_hierarchy = "issued_at"
    show_full_result_count = False
