"""Postings about our own balance at Stripe: what moved there for no payment, refund, dispute or
payout to an instructor. `stripe` in the ledger is what lies at Stripe because of them."""

from decimal import Decimal

from django.db.models import Sum

from core.money import ZERO
from payments.ledger.allocation import Account, Part
from payments.ledger.writing import write_one
from payments.models import BalanceMovement, LedgerTransaction, RunningBalance

BookedAs = BalanceMovement.BookedAs
# Where the money went, or came from.
_OTHER_SIDE = {
    BookedAs.BANK_PAYOUT: Account.BANK,
    BookedAs.BANK_PAYOUT_FAILED: Account.BANK,
    BookedAs.TOP_UP: Account.BANK,
    BookedAs.TOP_UP_REVERSED: Account.BANK,
    BookedAs.STRIPE_CHARGE: Account.STRIPE_FEES,
    BookedAs.RESERVE: Account.RESERVED,
    BookedAs.ADJUSTMENT: Account.ADJUSTMENTS,
}


def post_balance_movement(*, movement: BalanceMovement) -> bool:
    """Book what moved on our balance, as it says of itself; False when it is there already, or is
    none to be booked. Runs in the transaction that stores it, and needs no lock: it is never
    changed."""
    if not movement.booked_as:
        return False
    sides = {Account.STRIPE: movement.net, Account.STRIPE_FEES: movement.fee}
    other = _OTHER_SIDE[BookedAs(movement.booked_as)]
    sides[other] = sides.get(other, ZERO) - movement.amount
    row = LedgerTransaction(
        kind=movement.booked_as,
        reference=f"{movement.booked_as}:{movement.id}",
        currency=movement.currency,
        occurred_at=movement.happened_at,
        balance_movement=movement,
    )
    return write_one(row, [Part(account=a, amount=amount) for a, amount in sides.items() if amount])


def sum_at_stripe(*, currency: str) -> Decimal:
    """Return what lies at Stripe by the ledger, of its running balances."""
    rows = RunningBalance.objects.filter(account=Account.STRIPE, currency=currency)
    total: Decimal | None = rows.aggregate(total=Sum("amount"))["total"]
    return total or ZERO
