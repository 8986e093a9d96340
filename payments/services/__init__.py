"""Writes about money: intents, settlement, refunds, disputes, the event inbox, reconciliation."""

from payments.ledger.balances import fold_balances
from payments.services.access_reasons import repair_access
from payments.services.account_looks import look_at_accounts
from payments.services.attention import clear_attention
from payments.services.balance_reading import read_balance
from payments.services.bookkeeping import book_missing
from payments.services.comparison import compare_now, compare_when_due
from payments.services.disputes import sync_dispute
from payments.services.ending import end_open_payment, is_payment_open
from payments.services.expiry import expire_orders
from payments.services.inbox import handle_due_events
from payments.services.inbox_upkeep import prune_events, resend_events
from payments.services.intents import (
    Confirmation,
    PaymentIntent,
    confirm_payment,
    create_payment_intent,
    find_payment_intent,
)
from payments.services.locking import lock_payments
from payments.services.payout_accounts import (
    are_payouts_enabled,
    look_at_payout_account,
    start_onboarding,
    sync_account,
)
from payments.services.payouts import plan_payouts, send_due_payouts, sync_transfer
from payments.services.polling import poll_events
from payments.services.receiving import REFUSED_AHEAD, receive_event
from payments.services.reconciliation import reconcile_due_payments
from payments.services.refund_requests import (
    approve_request,
    estimate_request,
    refuse_request,
    request_refund,
)
from payments.services.refund_sending import send_due_refunds
from payments.services.refund_sync import sync_refund
from payments.services.refunds import NO_LINE, find_obstacle, refund_order, refund_payment
from payments.services.settlement import Settlement, settle

__all__ = [
    "NO_LINE",
    "REFUSED_AHEAD",
    "Confirmation",
    "PaymentIntent",
    "Settlement",
    "approve_request",
    "are_payouts_enabled",
    "book_missing",
    "clear_attention",
    "compare_now",
    "compare_when_due",
    "confirm_payment",
    "create_payment_intent",
    "end_open_payment",
    "estimate_request",
    "expire_orders",
    "find_obstacle",
    "find_payment_intent",
    "fold_balances",
    "handle_due_events",
    "is_payment_open",
    "lock_payments",
    "look_at_accounts",
    "look_at_payout_account",
    "plan_payouts",
    "poll_events",
    "prune_events",
    "read_balance",
    "receive_event",
    "reconcile_due_payments",
    "refund_order",
    "refund_payment",
    "refuse_request",
    "repair_access",
    "request_refund",
    "resend_events",
    "send_due_payouts",
    "send_due_refunds",
    "settle",
    "start_onboarding",
    "sync_account",
    "sync_dispute",
    "sync_refund",
    "sync_transfer",
]
