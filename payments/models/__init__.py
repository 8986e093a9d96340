"""Money at Stripe: payments, refunds, disputes, the inbox of events, the ledger and payouts."""

from payments.models.balance import Balance, BalanceChange, BalanceMark, RunningBalance
from payments.models.balance_movement import BalanceMovement
from payments.models.dispute import Dispute
from payments.models.inbox import StripeCursor, StripeEvent
from payments.models.ledger import LedgerEntry, LedgerTransaction, RevenueShare, SaleLine
from payments.models.loose_end import LooseEnd
from payments.models.payment import MAY_BE_PAID, Payment, first_check
from payments.models.payout import BankPayoutFailure, Payout, PayoutAccount
from payments.models.reconciliation import ReconciliationDifference, ReconciliationRun
from payments.models.refund import Refund, RefundLine, RefundRequest
from payments.models.term import Term
from payments.models.touched import BookMark, BookTouch

__all__ = [
    "MAY_BE_PAID",
    "Balance",
    "BalanceChange",
    "BalanceMark",
    "BalanceMovement",
    "BankPayoutFailure",
    "BookMark",
    "BookTouch",
    "Dispute",
    "LedgerEntry",
    "LedgerTransaction",
    "LooseEnd",
    "Payment",
    "Payout",
    "PayoutAccount",
    "ReconciliationDifference",
    "ReconciliationRun",
    "Refund",
    "RefundLine",
    "RefundRequest",
    "RevenueShare",
    "RunningBalance",
    "SaleLine",
    "StripeCursor",
    "StripeEvent",
    "Term",
    "first_check",
]
