"""Orders, coupons, invoices, credit notes for staff. What services own is shown, not typed in."""

import uuid
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.forms import ModelForm
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from core.admin import ReadOnlyAdmin
from orders import selectors, services
from orders.coupon_rules import normalise_code
from orders.models import Coupon, CouponRedemption, CreditNote, Invoice, Order, OrderItem


class OrderItemInline(admin.TabularInline[OrderItem, Order]):
    """The lines, as they were bought."""

    model = OrderItem
    fields = (
        "title_at_purchase", "course", "instructor", "price_at_purchase", "discount_amount",
        "tax_amount", "refunded_amount", "state", "enrollment",
    )  # fmt: skip
    readonly_fields = fields
    extra = 0
    can_delete = False
    show_change_link = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[OrderItem]:
        return super().get_queryset(request).select_related("course", "instructor", "enrollment")

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
                    "currency", "subtotal", "coupon", "discount_amount", "tax_amount",
                    "tax_lines", "total_amount", "refunded_amount",
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
        return normalise_code(self.cleaned_data["code"])

    def clean(self) -> dict[str, Any]:
        """Refuse an instructor's coupon for a course they don't teach: it would never apply."""
        cleaned = super().clean() or {}
        instructor, course = cleaned.get("instructor"), cleaned.get("course")
        if instructor and course and course.instructor_id != instructor.id:
            self.add_error("course", "This instructor doesn't teach the course.")
        return cleaned


@admin.register(Coupon)
class CouponAdmin(admin.ModelAdmin[Coupon]):
    """Coupons, staff's and instructors'. A change never touches orders made with one, and a used
    one can't be deleted."""

    list_display = (
        "code", "percent_off", "amount_off", "instructor", "course", "category", "minimum_amount",
        "valid_from", "valid_until", "is_active", "used", "max_redemptions",
        "max_redemptions_per_person",
    )  # fmt: skip
    list_filter = ("is_active", ("instructor", admin.EmptyFieldListFilter), "valid_until")
    list_select_related = ("instructor", "course", "category")
    search_fields = ("code", "course__title", "instructor__email")
    raw_id_fields = ("instructor", "course")
    form = CouponForm
    date_hierarchy = "created_at"
    actions = ("deactivate",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Coupon]:
        return super().get_queryset(request).annotate(_used=Count("redemptions"))

    @admin.display(description="Used", ordering="_used")
    def used(self, coupon: Coupon) -> str:
        """How many open or paid orders have it, with the way to them."""
        address = reverse("admin:orders_couponredemption_changelist")
        count = getattr(coupon, "_used", 0)
        return format_html('<a href="{}?coupon__id__exact={}">{}</a>', address, coupon.id, count)

    @admin.action(description="Deactivate", permissions=["change"])
    def deactivate(self, request: HttpRequest, queryset: QuerySet[Coupon]) -> None:
        """End the chosen coupons; orders made with them keep their discount."""
        count = services.deactivate_coupons(coupon_ids=list(queryset.values_list("id", flat=True)))
        self.message_user(request, f"{count} coupons deactivated.")


@admin.register(CouponRedemption)
class CouponRedemptionAdmin(ReadOnlyAdmin):
    """Who uses which coupon in which order; an order that ends unpaid gives it back."""

    list_display = ("coupon", "order", "status", "user", "discount", "created_at")
    list_filter = ("order__status",)
    list_select_related = ("coupon", "order", "user")
    search_fields = ("coupon__code", "order__order_number", "user__email")
    date_hierarchy = "created_at"
    show_full_result_count = False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """The list of coupons leads here by this lookup."""
        return lookup == "coupon__id__exact" or super().lookup_allowed(lookup, value, request)

    @admin.display(description="Status", ordering="order__status")
    def status(self, redemption: CouponRedemption) -> str:
        """The order's."""
        return redemption.order.status

    @admin.display(description="Discount", ordering="order__discount_amount")
    def discount(self, redemption: CouponRedemption) -> str:
        """What it took off."""
        return f"{redemption.order.discount_amount} {redemption.order.currency}"


class DocumentAdmin(ReadOnlyAdmin):
    """Numbered documents, with their PDF."""

    show_full_result_count = False

    def get_urls(self) -> list[URLPattern]:
        """Add the PDF's address to the usual ones."""
        name = f"orders_{self.opts.model_name}_pdf"
        view = self.admin_site.admin_view(self.download)
        return [path("<uuid:document_id>/pdf/", view, name=name), *super().get_urls()]

    def download(self, request: HttpRequest, document_id: uuid.UUID) -> HttpResponse:
        """Answer with the document. 403 without the right to see it, 404 for an unknown one."""
        document = self.get_object(request, str(document_id))
        if document is None:
            raise Http404
        if not self.has_view_permission(request, document):
            raise PermissionDenied
        name, content = self.draw(document)
        response = HttpResponse(content, content_type="application/pdf")
        response["Content-Disposition"] = f'inline; filename="{name}"'
        return response

    def draw(self, document: Any) -> tuple[str, bytes]:
        """Return a file name and the PDF."""
        raise NotImplementedError

    @admin.display(description="PDF")
    def pdf(self, document: Any) -> str:
        """The way to the PDF."""
        address = reverse(f"admin:orders_{self.opts.model_name}_pdf", args=[document.id])
        return format_html('<a href="{}">{}</a>', address, f"{document.number}.pdf")


@admin.register(Invoice)
class InvoiceAdmin(DocumentAdmin):
    """Invoices, for accounting."""

    list_display = (
        "number", "order", "total_amount", "tax_amount", "currency", "issued_at", "pdf"
    )  # fmt: skip
    list_filter = ("currency", "issued_at")
    list_select_related = ("order",)
    search_fields = ("number", "order__order_number", "order__user__email")
    date_hierarchy = "issued_at"

    def draw(self, document: Invoice) -> tuple[str, bytes]:
        """The receipt."""
        return selectors.get_receipt(order_id=document.order_id, user_id=None)


@admin.register(CreditNote)
class CreditNoteAdmin(DocumentAdmin):
    """Credit notes, for accounting: one for each refund."""

    list_display = (
        "number", "invoice", "total_amount", "tax_amount", "currency", "issued_at", "voided_at",
        "pdf",
    )  # fmt: skip
    list_filter = (("voided_at", admin.EmptyFieldListFilter), "currency", "issued_at")
    list_select_related = ("invoice",)
    search_fields = ("number", "invoice__number", "invoice__order__order_number")
    date_hierarchy = "issued_at"

    def draw(self, document: CreditNote) -> tuple[str, bytes]:
        """The credit note."""
        return selectors.get_credit_note(
            order_id=document.invoice.order_id, number=document.number, user_id=None
        )
