"""Carts for staff, to look into; people fill them themselves."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from cart.models import Cart, CartItem
from core.admin import ReadOnlyAdmin, ReadOnlyInline


class CartItemInline(ReadOnlyInline):
    """What is in it."""

    model = CartItem
    fields = ("course", "added_at")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[CartItem]:
        items: QuerySet[CartItem] = super().get_queryset(request)
        return items.select_related("course")


@admin.register(Cart)
class CartAdmin(ReadOnlyAdmin):
    """Carts and how full they are."""

    list_display = ("user", "lines", "updated_at")
    list_select_related = ("user",)
    search_fields = ("user__email",)
    inlines = (CartItemInline,)
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Cart]:
        carts: QuerySet[Cart] = super().get_queryset(request)
        # Of those shown alone: to be counted with the carts, all would be.
        return carts.prefetch_related("items")

    @admin.display(description="Courses")
    def lines(self, cart: Cart) -> int:
        """How many courses are in it."""
        return len(cart.items.all())
