"""Coupons and where they were used."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db.models import Count, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from core.admin import ReadOnlyAdmin
from core.money import money_text
from orders import services
from orders.coupon_rules import normalise_code
from orders.models import Coupon, CouponRedemption


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
        "code", "takes_off", "applies_to", "instructor", "minimum_amount", "valid_from",
        "valid_until", "is_active", "used",
    )  # fmt: skip
    list_filter = ("is_active", ("instructor", admin.EmptyFieldListFilter), "valid_until")
    list_select_related = ("instructor", "course", "category")
    search_fields = ("code", "course__title", "instructor__email")
    raw_id_fields = ("instructor", "course")
    form = CouponForm
    date_hierarchy = "created_at"
    actions = ("deactivate",)
    fieldsets = (
        (None, {"fields": ("code", "is_active")}),
        (
            "What it takes off",
            {"fields": ("percent_off", "amount_off"), "description": "One of the two."},
        ),
        (
            "Which courses",
            {
                "fields": ("course", "category", "instructor"),
                "description": "One course, or one category, or with neither everything. With an "
                "instructor only their courses, and they see the coupon as theirs.",
            },
        ),
        (
            "When, and how often",
            {
                "fields": (
                    "minimum_amount", "valid_from", "valid_until", "max_redemptions",
                    "max_redemptions_per_person",
                ),
                "description": "What is left empty is not limited. The minimum is what the courses "
                "it applies to must cost together.",
            },
        ),
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Coupon]:
        return super().get_queryset(request).annotate(_used=Count("redemptions"))

    @admin.display(description="Takes off")
    def takes_off(self, coupon: Coupon) -> str:
        """Percent or an amount."""
        if coupon.amount_off is not None:
            return money_text(coupon.amount_off, settings.CURRENCY)
        return f"{coupon.percent_off} %"

    @admin.display(description="Applies to")
    def applies_to(self, coupon: Coupon) -> str:
        """The course or category, or everything."""
        return str(coupon.course or coupon.category or "everything")

    @admin.display(description="Used", ordering="_used")
    def used(self, coupon: Coupon) -> str:
        """How many open or paid orders have it, of how many at most, with the way to them."""
        address = reverse("admin:orders_couponredemption_changelist")
        limit = f" of {coupon.max_redemptions}" if coupon.max_redemptions is not None else ""
        text = f"{getattr(coupon, '_used', 0)}{limit}"
        return format_html('<a href="{}?coupon__id__exact={}">{}</a>', address, coupon.id, text)

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
        return money_text(redemption.order.discount_amount, redemption.order.currency)
