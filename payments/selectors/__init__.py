"""Reads of money, for this app and for those above."""

from payments.selectors.concerned import HeldPayouts, get_held_payouts
from payments.selectors.disputes import DisputeDetails, get_dispute_details
from payments.selectors.payments import (
    PaymentDetails,
    find_late_payments,
    get_order_number,
    get_payment_details,
    may_begin_payment,
    pays_its_order,
)
from payments.selectors.payouts import (
    BankFailureDetails,
    PayoutDetails,
    get_bank_failure_details,
    get_payout_details,
)
from payments.selectors.reconciliation import list_open_differences
from payments.selectors.refund_requests import (
    RefundRequestRow,
    get_latest_request,
    get_request,
    list_requests,
    to_request_rows,
)
from payments.selectors.refunds import (
    RefundableLine,
    RefundFacts,
    RefundRow,
    get_refund,
    get_refund_facts,
    list_refundable_lines,
    list_refunds,
)

__all__ = [
    "BankFailureDetails",
    "DisputeDetails",
    "HeldPayouts",
    "PaymentDetails",
    "PayoutDetails",
    "RefundFacts",
    "RefundRequestRow",
    "RefundRow",
    "RefundableLine",
    "find_late_payments",
    "get_bank_failure_details",
    "get_dispute_details",
    "get_held_payouts",
    "get_latest_request",
    "get_order_number",
    "get_payment_details",
    "get_payout_details",
    "get_refund",
    "get_refund_facts",
    "get_request",
    "list_open_differences",
    "list_refundable_lines",
    "list_refunds",
    "list_requests",
    "may_begin_payment",
    "pays_its_order",
    "to_request_rows",
]
