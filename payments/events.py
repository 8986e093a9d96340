"""What the rest of the product may react to."""

import uuid
from dataclasses import dataclass
from decimal import Decimal

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class RefundSucceeded(Event):
    """Stripe took a refund: the money is on its way to the buyer, and out of the order. Recorded
    once more when one that was told as delayed after that has gone."""

    name = "payments.refund_succeeded"
    refund_id: uuid.UUID
    order_id: uuid.UUID
    user_id: uuid.UUID | None


@dataclass(frozen=True, kw_only=True)
class RefundFailed(Event):
    """A refund came to nothing. `was_applied`: it had been taken into the order, and was taken out
    again; staff have to find another way to pay the buyer. `was_promised`: the buyer was told that
    it comes."""

    name = "payments.refund_failed"
    refund_id: uuid.UUID
    order_id: uuid.UUID
    user_id: uuid.UUID | None
    was_applied: bool
    was_promised: bool = False


@dataclass(frozen=True, kw_only=True)
class RefundDelayed(Event):
    """Stripe has too little of our money to give some back; it is tried again each day until there
    is enough, or `goes_on` at Stripe by itself. `was_told`: the buyer believes that it is on its
    way. Recorded once a refund, and once more should it be short after it was."""

    name = "payments.refund_delayed"
    refund_id: uuid.UUID
    order_id: uuid.UUID
    user_id: uuid.UUID | None
    was_told: bool
    goes_on: bool = False


@dataclass(frozen=True, kw_only=True)
class RefundRequested(Event):
    """A buyer asks for money back; staff should answer."""

    name = "payments.refund_requested"
    request_id: uuid.UUID
    order_id: uuid.UUID


@dataclass(frozen=True, kw_only=True)
class RefundRequestDecided(Event):
    """A buyer's request was declined by staff, or granted by a refund that Stripe has taken: the
    one they approved, or any of all that it asked for."""

    name = "payments.refund_request_decided"
    request_id: uuid.UUID
    order_id: uuid.UUID
    user_id: uuid.UUID | None
    granted: bool


@dataclass(frozen=True, kw_only=True)
class DisputeOpened(Event):
    """The buyer's bank took the money back for now, or asks about it (an inquiry). Recorded again
    when an inquiry becomes a dispute, and when an appeal waits for evidence."""

    name = "payments.dispute_opened"
    dispute_id: uuid.UUID
    order_id: uuid.UUID


@dataclass(frozen=True, kw_only=True)
class DisputeClosed(Event):
    """The dispute is decided."""

    name = "payments.dispute_closed"
    dispute_id: uuid.UUID
    order_id: uuid.UUID
    won: bool


@dataclass(frozen=True, kw_only=True)
class PayoutFailed(Event):
    """Stripe refused to pay an instructor, who is owed the money as before."""

    name = "payments.payout_failed"
    payout_id: uuid.UUID


@dataclass(frozen=True, kw_only=True)
class PayoutTakenBack(Event):
    """Somebody took a payout back at Stripe: `amount` of it in all so far, which the instructor is
    owed again."""

    name = "payments.payout_taken_back"
    payout_id: uuid.UUID
    amount: Decimal


@dataclass(frozen=True, kw_only=True)
class PayoutAccountInTrouble(Event):
    """An instructor's account at Stripe can't be paid any more: `trouble` is one of
    `PayoutAccount.Trouble`. Payouts pause."""

    name = "payments.payout_account_in_trouble"
    account_id: uuid.UUID
    user_id: uuid.UUID
    trouble: str


@dataclass(frozen=True, kw_only=True)
class BankPayoutFailed(Event):
    """An instructor's bank refused what Stripe paid out to it."""

    name = "payments.bank_payout_failed"
    failure_id: uuid.UUID
    user_id: uuid.UUID


@dataclass(frozen=True, kw_only=True)
class PayoutsHeld(Event):
    """A difference was found that is about instructors' earnings: they are paid once it is
    resolved."""

    name = "payments.payouts_held"
    difference_id: uuid.UUID


@dataclass(frozen=True, kw_only=True)
class DebitFailed(Event):
    """Money that was on its way, as by a bank debit, didn't come after all: nothing was paid."""

    name = "payments.debit_failed"
    payment_id: uuid.UUID
    order_id: uuid.UUID


@dataclass(frozen=True, kw_only=True)
class PaymentNeedsAttention(Event):
    """Money came that can't stand for its order; it is being refunded and staff should look."""

    name = "payments.needs_attention"
    payment_id: uuid.UUID
    order_id: uuid.UUID
    reason: str
