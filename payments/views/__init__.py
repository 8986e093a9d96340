"""The endpoints about money, by topic."""

from payments.views.payments import ConfirmPaymentView, CreatePaymentIntentView, StripeWebhookView

__all__ = ["ConfirmPaymentView", "CreatePaymentIntentView", "StripeWebhookView"]
