"""Reads of money, for this app and for those above."""

from payments.selectors.disputes import DisputeDetails, get_dispute_details
from payments.selectors.payments import get_order_number, pays_its_order
from payments.selectors.payouts import PayoutDetails, get_payout_details
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
    "DisputeDetails",
    "PayoutDetails",
    "RefundFacts",
    "RefundRequestRow",
    "RefundRow",
    "RefundableLine",
    "get_dispute_details",
    "get_latest_request",
    "get_order_number",
    "get_payout_details",
    "get_refund",
    "get_refund_facts",
    "get_request",
    "list_open_differences",
    "list_refundable_lines",
    "list_refunds",
    "list_requests",
    "pays_its_order",
    "to_request_rows",
]
