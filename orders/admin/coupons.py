"""Coupons and where they were used."""

import datetime as dt
import re
from copy import copy
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.actions import delete_selected
from django.core.exceptions import ValidationError
from django.db.models import Exists, Field, OuterRef, QuerySet
from django.forms import ModelForm, SplitDateTimeField
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from core.admin import ReadOnlyAdmin, StaffAdmin
from core.ids import parse_id
from core.money import money_text
from orders import services
from orders.coupon_rules import normalise_code
from orders.coupon_terms import (
    BOUNDS,
    CODE_PATTERN,
    CODE_WORDS,
    FIRST_OF_DAY,
    LAST_OF_DAY,
    find_contradictions,
)
from orders.models import Coupon, CouponRedemption, Order
from orders.selectors.coupons import find_overused, look_ahead

# Where a coupon that is about to be written has its `LookAhead`.
_AHEAD = "_uses_ahead"
_TERMS = ("percent_off", "amount_off", "course", "category", "valid_from", "valid_until")


class FromField(SplitDateTimeField):
    """A time, or a day alone: its first second."""

    of_a_day = FIRST_OF_DAY

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(input_date_formats=["%Y-%m-%d"], **kwargs)

    def compress(self, data_list: Any) -> dt.datetime | None:
        """Return the time of the two parts, the second of which may be empty."""
        if data_list and data_list[0] and data_list[1] in self.empty_values:
            data_list = [data_list[0], self.of_a_day]
        moment: dt.datetime | None = super().compress(data_list)
        return moment


class UntilField(FromField):
    """A time, or a day alone: its last second."""

    of_a_day = LAST_OF_DAY


_MOMENTS = {
    "valid_from": {"form_class": FromField, "help_text": "UTC. Without a time: the whole day."},
    "valid_until": {"form_class": UntilField, "help_text": "UTC. Without a time: the whole day."},
}


class CouponForm(ModelForm[Coupon]):
    """A coupon as staff type it, judged as an instructor's would be."""

    class Meta:
        model = Coupon
        fields = "__all__"  # noqa: DJ007 - every field of a coupon is staff's to set
        help_texts = {"code": f"{CODE_WORDS}; kept in upper case."}

    def clean_code(self) -> str:
        """Return the code as it is stored and compared. One from before the rule may stay."""
        code = normalise_code(self.cleaned_data["code"])
        if "code" in self.changed_data and not re.fullmatch(CODE_PATTERN, code):
            raise ValidationError(f"{CODE_WORDS}.")
        return code

    def clean(self) -> dict[str, Any]:
        """Refuse terms that contradict each other, each at its field, and an instructor's coupon
        for a course they don't teach: it would never apply."""
        cleaned = super().clean() or {}
        coupon = Coupon(**{name: cleaned.get(name) for name in _TERMS})
        for names, text in find_contradictions(coupon=coupon).items():
            # A field that couldn't be read contradicts nothing.
            if not set(names) & set(self.errors):
                self.add_error(names[0], text)
        self._check_limits(cleaned)
        instructor, course = cleaned.get("instructor"), cleaned.get("course")
        if instructor and course and course.instructor_id != instructor.id:
            self.add_error("course", "This instructor doesn't teach the course.")
        return cleaned

    def _check_limits(self, cleaned: dict[str, Any]) -> None:
        """Refuse a limit below what was used, of a coupon that is locked until it is saved."""
        limits = set(self.changed_data) & {"max_redemptions", "max_redemptions_per_person"}
        if self.instance._state.adding or not limits:
            return
        coupon = copy(self.instance)
        for name in limits - set(self.errors):
            setattr(coupon, name, cleaned.get(name))
        overused = find_overused(
            coupon=coupon,
            limit_before=self.instance.max_redemptions_per_person,
            ahead=getattr(self.instance, _AHEAD, None),
        )
        for name, text in overused.items():
            if name in limits:
                self.add_error(name, text)


@admin.register(Coupon)
class CouponAdmin(StaffAdmin):
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
    actions = ("deactivate", "delete_selected")
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
        orders = Order.objects.filter(coupon=OuterRef("pk"))
        coupons: QuerySet[Coupon] = super().get_queryset(request)
        return coupons.annotate(_is_named=Exists(orders))

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Coupon | None:
        """The coupon, with what its uses were before it was locked."""
        ahead = None
        limit = request.POST.get("max_redemptions_per_person", "").strip()
        if re.fullmatch(r"\d{1,10}", limit) and (key := parse_id(object_id)):
            ahead = look_ahead(coupons=Coupon.objects.filter(pk=key), limit=int(limit))
        coupon: Coupon | None = super().get_object(request, object_id, from_field)
        if coupon is not None:
            setattr(coupon, _AHEAD, ahead)
        return coupon

    def formfield_for_dbfield(
        self, db_field: Field[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        rules = {**BOUNDS.get(db_field.name, {}), **_MOMENTS.get(db_field.name, {})}
        return super().formfield_for_dbfield(db_field, request, **kwargs, **rules)

    def may_delete(self, request: HttpRequest, obj: Coupon | None = None) -> bool:
        """Orders name what was used: that is deactivated instead."""
        return not getattr(obj, "_is_named", False)

    @admin.display(description="Takes off")
    def takes_off(self, coupon: Coupon) -> str:
        """Percent or an amount."""
        if coupon.amount_off is not None:
            return money_text(coupon.amount_off, settings.CURRENCY)
        return f"{coupon.percent_off} %"

    @admin.display(description="Applies to")
    def applies_to(self, coupon: Coupon) -> str:
        """The course or category, or everything; of the instructor, where there is one."""
        if coupon.course is not None or coupon.instructor is None:
            return str(coupon.course or coupon.category or "everything")
        if coupon.category is not None:
            return f"{coupon.category}, courses of the instructor"
        return "all courses of the instructor"

    @admin.display(description="Used", ordering="used_count")
    def used(self, coupon: Coupon) -> str:
        """How many open or paid orders have it, of how many at most, with the way to them."""
        address = reverse("admin:orders_couponredemption_changelist")
        limit = f" of {coupon.max_redemptions}" if coupon.max_redemptions is not None else ""
        text = f"{coupon.used_count}{limit}"
        return format_html('<a href="{}?coupon__id__exact={}">{}</a>', address, coupon.id, text)

    @admin.action(description="Deactivate", permissions=["change"])
    def deactivate(self, request: HttpRequest, queryset: QuerySet[Coupon]) -> None:
        """End the chosen coupons; orders made with them keep their discount."""
        chosen = list(queryset.values_list("id", flat=True))
        count = services.deactivate_coupons(coupon_ids=chosen, actor_id=request.user.pk)
        self.message_user(request, f"{count} coupons deactivated.")

    @admin.action(description="Delete selected coupons", permissions=["delete"])
    def delete_selected(self, request: HttpRequest, queryset: QuerySet[Coupon]) -> Any:
        """Delete the chosen coupons after a look at them, when none of them was ever used."""
        if used := [one for one in queryset if not self.has_delete_permission(request, one)]:
            for coupon in used:
                text = f"{coupon} was used: deactivate it instead."
                self.message_user(request, text, messages.ERROR)
            return None
        return delete_selected(self, request, queryset)


@admin.register(CouponRedemption)
class CouponRedemptionAdmin(ReadOnlyAdmin):
    """Who uses which coupon in which order; an order that ends unpaid gives it back."""

    list_display = ("coupon", "order", "status", "user", "discount", "created_at")
    # The list of coupons leads here.
    allowed_lookups = ("coupon__id__exact",)
    list_select_related = ("coupon", "order", "user")
    search_fields = ("coupon__code", "order__order_number", "user__email")
    date_hierarchy = "created_at"
    show_full_result_count = False

    @admin.display(description="Status", ordering="order__status")
    def status(self, redemption: CouponRedemption) -> str:
        """The order's."""
        return redemption.order.status

    @admin.display(description="Discount", ordering="order__discount_amount")
    def discount(self, redemption: CouponRedemption) -> str:
        """What it took off."""
        return money_text(redemption.order.discount_amount, redemption.order.currency)
