"""What happened to an order, for the floors above."""

import uuid
from dataclasses import dataclass
from decimal import Decimal

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class OrderCompleted(Event):
    """The order is paid (or cost nothing) and its courses are open."""

    name = "orders.order_completed"
    order_id: uuid.UUID
    user_id: uuid.UUID


@dataclass(frozen=True, kw_only=True)
class OrderClosed(Event):
    """A pending order ended unpaid. `reason` is expired, replaced or canceled; an intent that may
    still be open for it should be cancelled."""

    name = "orders.order_closed"
    order_id: uuid.UUID
    user_id: uuid.UUID | None
    reason: str


@dataclass(frozen=True, kw_only=True)
class OrderRefunded(Event):
    """`amount` of the order's total went back; `whole` when nothing of it is left."""

    name = "orders.order_refunded"
    order_id: uuid.UUID
    user_id: uuid.UUID | None
    amount: Decimal
    whole: bool
    # None in events recorded before it was told.
    refund_id: uuid.UUID | None = None


@dataclass(frozen=True, kw_only=True)
class OrderRefundUndone(Event):
    """A refund failed at the bank after it was taken into the order: `amount` stands again."""

    name = "orders.order_refund_undone"
    order_id: uuid.UUID
    user_id: uuid.UUID | None
    amount: Decimal
    refund_id: uuid.UUID
