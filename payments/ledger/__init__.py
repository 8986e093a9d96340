"""The books: which movements of money are written down, and how they are divided.

Each `post_…` runs in the caller's transaction, under the payment's row lock where it is about a
payment, so that a fact and its posting are there together or not at all. A cause is posted once:
the second time is False and changes nothing.
"""

from payments.ledger.missing import post_missing
from payments.ledger.posting import (
    post_dispute,
    post_dispute_won,
    post_fee,
    post_refund,
    post_refund_failed,
    post_sale,
    post_undue_payment,
)

__all__ = [
    "post_dispute",
    "post_dispute_won",
    "post_fee",
    "post_missing",
    "post_refund",
    "post_refund_failed",
    "post_sale",
    "post_undue_payment",
]
