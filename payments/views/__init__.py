"""The endpoints about money, by topic."""

from payments.views.payments import ConfirmPaymentView, CreatePaymentIntentView, StripeWebhookView
from payments.views.refunds import (
    ApproveRefundRequestView,
    OrderRefundRequestView,
    OrderRefundsView,
    RefundRequestsView,
    RefuseRefundRequestView,
)

__all__ = [
    "ApproveRefundRequestView",
    "ConfirmPaymentView",
    "CreatePaymentIntentView",
    "OrderRefundRequestView",
    "OrderRefundsView",
    "RefundRequestsView",
    "RefuseRefundRequestView",
    "StripeWebhookView",
]
