"""The books: which movements of money are written down, and how they are divided.

Each `post_…` runs in the caller's transaction, under the payment's row lock where it is about a
payment, so that a fact and its posting are there together or not at all. A cause is posted once:
the second time is False, or not counted, and changes nothing.
"""

from payments.ledger.missing import post_missing
from payments.ledger.posting import (
    Sale,
    post_dispute,
    post_dispute_won,
    post_fees,
    post_refund,
    post_refund_failed,
    post_sales,
    post_undue_payments,
)

__all__ = [
    "Sale",
    "post_dispute",
    "post_dispute_won",
    "post_fees",
    "post_missing",
    "post_refund",
    "post_refund_failed",
    "post_sales",
    "post_undue_payments",
]
