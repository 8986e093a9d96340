"""Money that has come: the orders it completes, the books, and what of it can't stay."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from django.utils import timezone

from core import outbox
from orders import selectors as order_selectors
from orders import services as order_services
from orders.selectors import OrderLine
from orders.services import PaidOrder, PaidOutcome
from payments import ledger
from payments.events import PaymentNeedsAttention
from payments.ledger import Sale
from payments.models import Payment
from payments.services.progress import end_progress
from payments.services.refunds import plan_refund

# Why money goes back that stands for no order, and what staff read of it.
_UNDUE = {
    "already_completed": ("duplicate_payment", "The order was already paid"),
    "order_closed": ("late_payment", "The order was closed when the money came"),
    "amount_mismatch": ("amount_mismatch", "Amount or currency differ from the order"),
}


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What became of a payment's money. `stands`: it is what its order was paid with; `is_pending`:
    the order waits for other money, or to be closed."""

    payment_id: uuid.UUID
    order_id: uuid.UUID
    kind: Literal["completed", "already_completed", "order_closed", "amount_mismatch"]
    stands: bool
    is_pending: bool

    @property
    def completed(self) -> bool:
        """Whether the order is to be given its invoice."""
        return self.kind == "completed"


def take_money(*, payments: Sequence[Payment]) -> list[Taken]:
    """Complete the orders of payments that succeeded just now, book the money, and plan the refund
    of what can't stay. The caller holds their locks and has saved them."""
    if not payments:
        return []
    outcomes = order_services.mark_all_paid(payments=[_read(payment) for payment in payments])
    pairs = list(zip(payments, outcomes, strict=True))
    for payment, outcome in pairs:
        if outcome.is_pending:
            end_progress(order_id=payment.order_id)
    _book(pairs)
    return [
        Taken(
            payment_id=payment.id,
            order_id=payment.order_id,
            kind=outcome.kind,
            stands=outcome.same_payment,
            is_pending=outcome.is_pending,
        )
        for payment, outcome in pairs
    ]


def _read(payment: Payment) -> PaidOrder:
    return PaidOrder(
        order_id=payment.order_id,
        payment_id=payment.stripe_payment_id,
        transaction_id=payment.stripe_charge_id,
        amount=payment.amount,
        currency=payment.currency,
        paid_at=payment.succeeded_at or timezone.now(),
    )


def _book(pairs: Collection[tuple[Payment, PaidOutcome]]) -> None:
    """Write the money down, as a sale where it stands for the order, else as the buyer's; and have
    go back what can't stay."""
    due = [(payment, outcome) for payment, outcome in pairs if outcome.same_payment]
    undue = [(payment, outcome) for payment, outcome in pairs if not outcome.same_payment]
    if due:
        lines = order_selectors.list_lines_of_orders(
            order_ids=[payment.order_id for payment, _ in due]
        )
        ledger.post_sales(sales=[_read_sale(payment, outcome, lines) for payment, outcome in due])
        for payment, outcome in due:
            _give_back_owned_lines(payment, outcome, lines)
    if undue:
        ledger.post_undue_payments(payments=[payment for payment, _ in undue])
        for payment, outcome in undue:
            _give_all_back(payment, *_UNDUE[outcome.kind])


def _read_sale(
    payment: Payment, outcome: PaidOutcome, lines: Mapping[uuid.UUID, Sequence[OrderLine]]
) -> Sale:
    return Sale(
        payment=payment,
        lines=lines.get(payment.order_id, []),
        owned_item_ids=outcome.already_owned_item_ids,
    )


def _give_back_owned_lines(
    payment: Payment, outcome: PaidOutcome, lines: Mapping[uuid.UUID, Sequence[OrderLine]]
) -> None:
    owned = {
        line.id: line.paid_amount
        for line in lines.get(payment.order_id, [])
        if line.id in outcome.already_owned_item_ids and line.paid_amount > 0
    }
    if owned:
        plan_refund(payment=payment, reason="already_owned", lines=owned)


def _give_all_back(payment: Payment, reason: str, words: str) -> None:
    payment.needs_attention = words
    payment.save(update_fields=["needs_attention", "updated_at"])
    plan_refund(payment=payment, reason=reason, amount=payment.amount)
    outbox.record(
        PaymentNeedsAttention(payment_id=payment.id, order_id=payment.order_id, reason=reason)
    )
