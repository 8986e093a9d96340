"""Bodies and shapes of orders (plan 4.5, contract "Orders and payments")."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from core.addresses import WITHOUT_CITY, WITHOUT_POSTAL_CODE
from core.countries import is_country
from core.serializers import ApiSerializer, ClosedSerializer, MoneyField, NumberField
from orders.models import Order, OrderItem


class BillingAddressSerializer(ClosedSerializer):
    """Where the invoice goes, with all fields of plan 4.5."""

    first_name = serializers.CharField(max_length=150)
    last_name = serializers.CharField(max_length=150)
    email = serializers.EmailField(max_length=254)
    address_line1 = serializers.CharField(max_length=255)
    address_line2 = serializers.CharField(max_length=255, required=False, allow_blank=True)
    city = serializers.CharField(
        max_length=100,
        required=False,
        allow_blank=True,
        help_text="Needed, unless the country's addresses do without, as Singapore's.",
    )
    state = serializers.CharField(max_length=100, required=False, allow_blank=True)
    postal_code = serializers.CharField(
        max_length=20,
        required=False,
        allow_blank=True,
        help_text="Needed, unless the country has none, as Hong Kong.",
    )
    country = serializers.CharField(
        max_length=100, help_text="Two letters (ISO 3166-1) where tax depends on it."
    )
    phone = serializers.CharField(max_length=30, required=False, allow_blank=True)

    def to_internal_value(self, data: Any) -> Any:
        """Return the address. What its country has none of may be missing or empty."""
        country = str(data.get("country")).strip().upper() if isinstance(data, Mapping) else ""
        for name, countries in (("city", WITHOUT_CITY), ("postal_code", WITHOUT_POSTAL_CODE)):
            may_miss = country in countries
            field = self.fields[name]
            field.required, field.allow_blank = not may_miss, may_miss  # type: ignore[attr-defined]
        return super().to_internal_value(data)

    def validate_country(self, value: str) -> str:
        """Return a code in capitals, as it will stand in the invoice."""
        return value.upper() if is_country(value.upper()) else value


class CreateOrderSerializer(ClosedSerializer):
    """Everything is optional: the lines come from the cart."""

    billing_address = BillingAddressSerializer(required=False, allow_null=True)
    coupon_code = serializers.CharField(
        max_length=50,
        required=False,
        allow_null=True,
        allow_blank=True,
        help_text="In place of the cart's coupon.",
    )


class OrderFilterSerializer(ApiSerializer):
    """Which orders."""

    status = serializers.ChoiceField(choices=Order.Status.choices, required=False)


class CourseOfLineSerializer(ApiSerializer):
    """The course of a line, under the title it was bought by."""

    id = serializers.UUIDField()
    title = serializers.CharField()


class OrderItemSerializer(ApiSerializer):
    """A line: one course at the price it was bought for."""

    id = serializers.UUIDField()
    course = CourseOfLineSerializer()
    price_at_purchase = MoneyField()
    discount_amount = MoneyField(help_text="This line's share of the order's discount.")
    tax_amount = MoneyField(help_text="This line's share of the order's tax.")
    refunded_amount = MoneyField()
    state = serializers.ChoiceField(choices=OrderItem.State.choices)


class LateRefundSerializer(ApiSerializer):
    """What goes back of money that doesn't stand for its order."""

    amount = MoneyField()
    status = serializers.ChoiceField(choices=["due", "pending", "succeeded", "failed", "canceled"])


class OrderPaymentSerializer(ApiSerializer):
    """How the order was paid, or is being paid."""

    method = serializers.CharField()
    status = serializers.ChoiceField(
        choices=["processing", "succeeded", "refunding", "refunded"],
        help_text="`processing`: money is on its way, as with a bank debit, which takes days. "
        "`refunding`: it came after the order had failed, or was of another amount, and is about "
        "to go back.",
    )
    transaction_id = serializers.CharField(
        allow_null=True,
        help_text="Stripe's charge: `ch_…` of a card, `py_…` of a bank debit and others; null "
        "until the money has come.",
    )
    refund = LateRefundSerializer(
        allow_null=True,
        help_text="Of a failed order whose money came all the same, or a pending one whose money "
        "was of another amount, else null.",
    )


class OrderSerializer(ApiSerializer):
    """An order in the list."""

    id = serializers.UUIDField()
    order_number = serializers.CharField()
    status = serializers.ChoiceField(choices=Order.Status.choices)
    created_at = serializers.DateTimeField()
    completed_at = serializers.DateTimeField(allow_null=True)
    total_amount = MoneyField()
    refunded_amount = MoneyField()
    currency = serializers.CharField(help_text="ISO 4217, lower case.")
    items_count = serializers.IntegerField()
    items = OrderItemSerializer(many=True)
    payment = OrderPaymentSerializer(
        allow_null=True,
        help_text="Null until the order is being paid, and for one that cost nothing; of a failed "
        "one, money that came too late, of a pending one, money of another amount.",
    )


class TaxLineSerializer(ApiSerializer):
    """A part of the tax."""

    name = serializers.CharField()
    rate = NumberField(max_digits=6, decimal_places=3, help_text="In percent.")
    amount = MoneyField()


class OrderDetailSerializer(OrderSerializer):
    """An order by itself: `total_amount` is `subtotal - discount_amount + tax_amount`."""

    subtotal = MoneyField()
    discount_amount = MoneyField()
    tax_amount = MoneyField()
    tax_lines = TaxLineSerializer(many=True, help_text="What the tax consists of.")
    coupon_code = serializers.CharField(allow_null=True)
    failure_reason = serializers.CharField(
        allow_null=True, help_text="Of a failed order: expired, replaced or canceled."
    )
    expires_at = serializers.DateTimeField(help_text="Until when a pending order can be paid.")
    billing_address = BillingAddressSerializer(allow_null=True)
    invoice_number = serializers.CharField(allow_null=True)


class CreditNoteSerializer(ApiSerializer):
    """What a refund, or a dispute that was lost, took off the invoice."""

    number = serializers.CharField()
    issued_at = serializers.DateTimeField()
    voided_at = serializers.DateTimeField(
        allow_null=True,
        help_text="When its refund failed at the bank after all, or its dispute was won on appeal.",
    )
    total_amount = MoneyField()
    tax_amount = MoneyField(help_text="What of it is tax.")
    currency = serializers.CharField(help_text="ISO 4217, lower case.")


class CreditNotesSerializer(ApiSerializer):
    """All of an order's."""

    results = CreditNoteSerializer(many=True)
