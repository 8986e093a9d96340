"""What Stripe's types of balance transactions are to us.

https://docs.stripe.com/reports/balance-transaction-types
"""

from decimal import Decimal

from django.conf import settings

from payments.models import BalanceMovement
from payments.stripe_facts import MovementFacts

BookedAs = BalanceMovement.BookedAs

# Booked by what they are of: payments, refunds and transfers, with the fees in them.
_OF_CAUSES = frozenset({
    "charge", "payment", "payment_failure_refund", "payment_refund", "payment_refund_failure",
    "payment_reversal", "refund", "refund_failure", "transfer", "transfer_cancel",
    "transfer_failure", "transfer_refund",
})  # fmt: skip
_OF_DISPUTES = frozenset({"dispute", "dispute_reversal"})
_DISPUTE_IDS = ("dp_", "du_")
# `available` and `pending` are the payments balance. What moves on another one, such as that for
# issued cards or for risk, is none of it; where money goes from one to the other, both have it.
_PAYMENTS = frozenset({"", "payments"})
# A type more is one more in `payments.books.balance_movements`, too.
BOOKED_AS = {
    "payout": BookedAs.BANK_PAYOUT,
    "payout_failure": BookedAs.BANK_PAYOUT_FAILED,
    "payout_cancel": BookedAs.BANK_PAYOUT_FAILED,
    "topup": BookedAs.TOP_UP,
    "topup_reversal": BookedAs.TOP_UP_REVERSED,
    "stripe_fee": BookedAs.STRIPE_CHARGE,
    "stripe_fx_fee": BookedAs.STRIPE_CHARGE,
    "tax_fee": BookedAs.STRIPE_CHARGE,
    "network_cost": BookedAs.STRIPE_CHARGE,
    "reserve_transaction": BookedAs.RESERVE,
    "reserved_funds": BookedAs.RESERVE,
    "reserve_hold": BookedAs.RESERVE,
    "reserve_release": BookedAs.RESERVE,
    "payment_network_reserve_hold": BookedAs.RESERVE,
    "payment_network_reserve_release": BookedAs.RESERVE,
    "payout_minimum_balance_hold": BookedAs.RESERVE,
    "payout_minimum_balance_release": BookedAs.RESERVE,
    "adjustment": BookedAs.ADJUSTMENT,
    "contribution": BookedAs.ADJUSTMENT,
    "climate_order_purchase": BookedAs.ADJUSTMENT,
    "climate_order_refund": BookedAs.ADJUSTMENT,
    "connect_collection_transfer": BookedAs.ADJUSTMENT,
}

KNOWN_TYPES = frozenset(BOOKED_AS)


def is_booked_otherwise(facts: MovementFacts) -> bool:
    """Whether it is booked with a payment, refund, dispute or transfer, or isn't of our payments
    balance at all."""
    if facts.balance_type not in _PAYMENTS or facts.type in _OF_CAUSES:
        return True
    return facts.type == "adjustment" and (
        facts.reporting_category in _OF_DISPUTES or facts.source.startswith(_DISPUTE_IDS)
    )


def book_as(*, stripe_type: str, currency: str, net: Decimal) -> str:
    """Return the kind of movement that it is booked as; "" for what is only shown: what moved
    nothing, money in another currency than ours, and a type that is new to us."""
    if not net or currency != settings.CURRENCY:
        return ""
    return BOOKED_AS.get(stripe_type, "")
