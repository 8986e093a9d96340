"""Bodies and answers of the payment endpoints (plan 4.6)."""

from rest_framework import serializers

from core.serializers import ApiSerializer, ClosedSerializer


class CreateIntentSerializer(ClosedSerializer):
    """Which order to pay."""

    order_id = serializers.UUIDField()


class PaymentIntentSerializer(ApiSerializer):
    """What Stripe.js needs to take the payment."""

    payment_intent_id = serializers.CharField()
    client_secret = serializers.CharField()
    publishable_key = serializers.CharField()
    amount = serializers.IntegerField(help_text="In minor units (cents), from the order.")
    currency = serializers.CharField()
    status = serializers.CharField(
        help_text="Stripe's state: `requires_payment_method` until it is paid; `processing` while "
        "money is on its way, and then there is nothing to pay; `succeeded`."
    )


class ConfirmPaymentSerializer(ClosedSerializer):
    """Which intent to look up for which order."""

    order_id = serializers.UUIDField()
    # Whatever can't be an intent's id is INVALID_PAYMENT, not a matter of validation (contract).
    payment_intent_id = serializers.CharField(allow_blank=True)


class ConfirmationSerializer(ApiSerializer):
    """Where the payment stands."""

    order_id = serializers.UUIDField()
    status = serializers.CharField(
        help_text="`succeeded`, or Stripe's state: `processing`, `requires_action`, "
        "`requires_payment_method`, `requires_confirmation`, `canceled`."
    )
    message = serializers.CharField()
    error = serializers.DictField(
        allow_null=True, help_text="`{code, message}` of the last declined attempt, else null."
    )


class WebhookAnswerSerializer(ApiSerializer):
    """That the event is stored."""

    received = serializers.BooleanField()
