"""What the rest of the product may react to."""

import uuid
from dataclasses import dataclass
from decimal import Decimal

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class RefundSucceeded(Event):
    """Stripe took a refund: the money is on its way to the buyer, and out of the order."""

    name = "payments.refund_succeeded"
    refund_id: uuid.UUID
    order_id: uuid.UUID
    user_id: uuid.UUID | None


@dataclass(frozen=True, kw_only=True)
class RefundFailed(Event):
    """A refund came to nothing. `was_applied`: it had been taken into the order, and was taken out
    again; staff have to find another way to pay the buyer."""

    name = "payments.refund_failed"
    refund_id: uuid.UUID
    order_id: uuid.UUID
    user_id: uuid.UUID | None
    was_applied: bool


@dataclass(frozen=True, kw_only=True)
class RefundRequested(Event):
    """A buyer asks for money back; staff should answer."""

    name = "payments.refund_requested"
    request_id: uuid.UUID
    order_id: uuid.UUID


@dataclass(frozen=True, kw_only=True)
class RefundRequestDecided(Event):
    """A buyer's request was answered by staff, or by a refund of all that it asked for."""

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
class PaymentNeedsAttention(Event):
    """Money came that can't stand for its order; it is being refunded and staff should look."""

    name = "payments.needs_attention"
    payment_id: uuid.UUID
    order_id: uuid.UUID
    reason: str
