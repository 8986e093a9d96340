"""What tax a credit note gives back: the ledger's, to the cent."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal

from core.money import ZERO, quantize
from orders import selectors as order_selectors
from orders.selectors import OrderLine
from orders.services import BookedTax, LostMoney
from payments.ledger import holdings
from payments.ledger.allocation import Part
from payments.models import Dispute, LedgerEntry, Payment, Refund

Account = LedgerEntry.Account


def find_booked_tax(*, refund: Refund, named: Mapping[uuid.UUID, Decimal]) -> BookedTax | None:
    """Return the tax that the ledger took for the refund, and how much of it is of the money that
    lines are `named` for. None where it doesn't say: no line had some of the money any more, so
    that the platform bears it.

    The caller holds the payment's lock, and booked the refund in this transaction.
    """
    payment, parts = refund.payment, holdings.list_effect(cause=refund)
    if any(part.order_item_id is None and part.account == Account.PLATFORM for part in parts):
        return None
    disputes = holdings.list_taking_disputes(payment=payment)
    taken = find_taken(payment=payment, parts=parts, before=disputes)
    return BookedTax(
        total=sum((line.tax for line in taken.values()), ZERO),
        by_line={
            item_id: quantize(line.tax * min(named[item_id], line.amount) / line.amount)
            for item_id, line in taken.items()
            if item_id in named
        },
    )


def find_taken(
    *, payment: Payment, parts: Sequence[Part], before: Collection[Dispute] = ()
) -> dict[uuid.UUID, LostMoney]:
    """Return by line what these parts took of the payment's lines, and what of it was tax; the
    disputes in `before` took what these left."""
    amounts: dict[uuid.UUID, Decimal] = defaultdict(lambda: ZERO)
    taxes: dict[uuid.UUID, Decimal] = defaultdict(lambda: ZERO)
    owned: dict[uuid.UUID, Decimal] = {}
    for part in parts:
        if part.order_item_id is None:
            continue
        amounts[part.order_item_id] += part.amount
        if part.account == Account.TAX:
            taxes[part.order_item_id] += part.amount
        elif part.account == Account.BUYERS:
            owned[part.order_item_id] = part.amount
    taxes |= _find_tax_of_owned(payment, owned, before) if owned else {}
    return {
        item_id: LostMoney(amount=amount, tax=taxes[item_id])
        for item_id, amount in amounts.items()
        if amount > 0
    }


def _find_tax_of_owned(
    payment: Payment, taken: Mapping[uuid.UUID, Decimal], before: Collection[Dispute]
) -> dict[uuid.UUID, Decimal]:
    """Return the tax in what was taken of lines whose money is the buyer's as a whole: they owned
    the course, so that none of it was booked as tax, but the invoice has it."""
    held: dict[uuid.UUID | None, Decimal] = defaultdict(lambda: ZERO)
    for part in holdings.list_held(payment=payment, before=before):
        held[part.order_item_id] += part.amount
    return {
        line.id: _tax_within(line, line.paid_amount - held[line.id])
        - _tax_within(line, line.paid_amount - held[line.id] - taken[line.id])
        for line in order_selectors.list_order_lines(order_id=payment.order_id)
        if line.id in taken
    }


def _tax_within(line: OrderLine, amount: Decimal) -> Decimal:
    return quantize(line.tax_amount * amount / line.paid_amount)
