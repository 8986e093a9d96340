"""What payments, a floor above, tell orders and do for them. They register when the product starts,
as counters do; without them nothing is ever paid, and nothing is in the way of anything."""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, Protocol


@dataclass(frozen=True, kw_only=True)
class LatePayment:
    """Money that came for an order and doesn't stand for it, as it came too late or was of another
    amount, and what goes back of it, if anything does. Major units; `refund_status` is that of the
    refund."""

    transaction_id: str
    status: Literal["succeeded", "refunding", "refunded"]
    refund_amount: Decimal | None
    refund_status: str | None


class _Asking(Protocol):
    def __call__(self, *, order_id: uuid.UUID) -> bool: ...


class _Ending(Protocol):
    def __call__(self, *, order_id: uuid.UUID, seconds: float) -> None: ...


class _Finding(Protocol):
    def __call__(self, *, order_ids: Collection[uuid.UUID]) -> Mapping[uuid.UUID, LatePayment]: ...


@dataclass(frozen=True, kw_only=True)
class _Payments:
    is_open: _Asking
    end: _Ending
    find_late: _Finding


_registered: list[_Payments] = []


def register_payments(*, is_open: _Asking, end: _Ending, find_late: _Finding) -> None:
    """Take payments in. `is_open` says, under the order's lock, whether somebody may pay it: a
    payment is only ever begun under that lock. `end` ends that payment at the provider, outside any
    transaction, and takes what the provider says of it into the order; it raises Unavailable when
    the provider doesn't answer in so many seconds. `find_late` returns, by order, the latest money
    that came for it and doesn't stand for it."""
    _registered[:] = [_Payments(is_open=is_open, end=end, find_late=find_late)]


def has_open_payment(*, order_id: uuid.UUID) -> bool:
    """Return whether somebody may be paying the order, for certain under its lock only."""
    return any(payments.is_open(order_id=order_id) for payments in _registered)


def end_open_payment(*, order_id: uuid.UUID, seconds: float) -> None:
    """End what may take money for the order, if the provider lets it. Raises Unavailable, at the
    latest after so many seconds."""
    for payments in _registered:
        payments.end(order_id=order_id, seconds=seconds)


def find_late_payments(*, order_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, LatePayment]:
    """Return the money that came in vain for these unpaid orders, by order; those for which none
    did are missing. Two queries at most, none without an order."""
    late: dict[uuid.UUID, LatePayment] = {}
    for payments in _registered if order_ids else ():
        late |= payments.find_late(order_ids=order_ids)
    return late
