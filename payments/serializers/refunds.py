"""Bodies and answers of refunds and of buyers' requests for them."""

from rest_framework import serializers

from core.serializers import ApiSerializer, ClosedSerializer, IdItemField, MoneyField
from payments.models import Refund, RefundRequest

MOST_ITEMS = 200
_ITEMS_HELP = "Ids of order items; left out or null: all that is left of the order."


class CreateRefundSerializer(ClosedSerializer):
    """What staff give back."""

    items = serializers.ListField(
        child=IdItemField(),
        required=False,
        allow_null=True,
        allow_empty=False,
        max_length=MOST_ITEMS,
        help_text=_ITEMS_HELP,
    )
    reason = serializers.CharField(
        max_length=1000, required=False, allow_blank=True, help_text="Staff's own note."
    )


class RequestRefundSerializer(ClosedSerializer):
    """What a buyer asks for."""

    items = serializers.ListField(
        child=IdItemField(),
        required=False,
        allow_null=True,
        allow_empty=False,
        max_length=MOST_ITEMS,
        help_text=_ITEMS_HELP,
    )
    reason = serializers.CharField(max_length=1000, required=False, allow_blank=True)


class ApproveRequestSerializer(ClosedSerializer):
    """Nothing: what was asked for is granted, and no part of it."""


class RefuseRequestSerializer(ClosedSerializer):
    """Why not."""

    reason = serializers.CharField(max_length=1000, help_text="The buyer is told so.")


class RequestFilterSerializer(ApiSerializer):
    """Which requests."""

    status = serializers.ChoiceField(choices=RefundRequest.Status.choices, required=False)


class CourseOfRefundSerializer(ApiSerializer):
    """The course of a line, under the title it was bought by."""

    id = serializers.UUIDField()
    title = serializers.CharField()


class RefundItemSerializer(ApiSerializer):
    """What of a refund is for one line of the order."""

    id = serializers.UUIDField(help_text="The order item.")
    course = CourseOfRefundSerializer()
    amount = MoneyField()


class RefundSerializer(ApiSerializer):
    """Money going back."""

    id = serializers.UUIDField()
    order_id = serializers.UUIDField()
    amount = MoneyField()
    currency = serializers.CharField(help_text="ISO 4217, lower case.")
    status = serializers.ChoiceField(
        choices=Refund.Status.choices,
        help_text="`due`: about to be sent to Stripe, or waiting for balance there; `pending`: on "
        "its way; a `succeeded` one may "
        "still become `failed` when the bank sends it back.",
    )
    reason = serializers.CharField(
        help_text="requested, late_payment, duplicate_payment, already_owned, amount_mismatch, or "
        "at_stripe (made in Stripe's dashboard)."
    )
    note = serializers.CharField(allow_null=True, help_text="For staff; null for the buyer.")
    items = RefundItemSerializer(many=True, help_text="Empty: of no certain line.")
    created_at = serializers.DateTimeField()


class RefundListSerializer(ApiSerializer):
    """The refunds of an order."""

    results = RefundSerializer(many=True)


class RequestItemSerializer(ApiSerializer):
    """A line that the buyer wants the money back of."""

    id = serializers.UUIDField(help_text="The order item.")
    course = CourseOfRefundSerializer()


class BuyerSerializer(ApiSerializer):
    """Who asks."""

    id = serializers.UUIDField()
    email = serializers.EmailField()
    first_name = serializers.CharField()
    last_name = serializers.CharField()


class RefundRequestSerializer(ApiSerializer):
    """A buyer's request and what became of it."""

    id = serializers.UUIDField()
    order_id = serializers.UUIDField()
    order_number = serializers.CharField()
    user = BuyerSerializer(allow_null=True, help_text="Null once the account was erased.")
    status = serializers.ChoiceField(
        choices=RefundRequest.Status.choices,
        help_text="`open` until it is declined or the money has gone.",
    )
    reason = serializers.CharField(help_text="The buyer's words.")
    items = RequestItemSerializer(many=True)
    created_at = serializers.DateTimeField()
    decided_at = serializers.DateTimeField(allow_null=True)
    decision_reason = serializers.CharField(
        allow_null=True, help_text="What the buyer was told with a refusal."
    )
    refund_id = serializers.UUIDField(
        allow_null=True, help_text="The refund that staff approved, or that granted it."
    )
