"""The endpoints about money, by topic."""

from payments.views.earnings import (
    EarningsEntriesView,
    EarningsStatementView,
    EarningsView,
    PayoutAccountView,
    PayoutsView,
)
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
    "EarningsEntriesView",
    "EarningsStatementView",
    "EarningsView",
    "OrderRefundRequestView",
    "OrderRefundsView",
    "PayoutAccountView",
    "PayoutsView",
    "RefundRequestsView",
    "RefuseRefundRequestView",
    "StripeWebhookView",
]
