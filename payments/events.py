"""What the rest of the product may react to."""

import uuid
from dataclasses import dataclass

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class RefundSucceeded(Event):
    """Money went back to the buyer."""

    name = "payments.refund_succeeded"
    refund_id: uuid.UUID
    order_id: uuid.UUID
    user_id: uuid.UUID | None


@dataclass(frozen=True, kw_only=True)
class DisputeOpened(Event):
    """The buyer's bank took the money back for now."""

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
class PaymentNeedsAttention(Event):
    """Money came that can't stand for its order; it is being refunded and staff should look."""

    name = "payments.needs_attention"
    payment_id: uuid.UUID
    order_id: uuid.UUID
    reason: str
