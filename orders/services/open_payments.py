"""An order isn't closed while somebody may be paying it.

Whatever closes a pending order asks `require_no_open_payment` under the order's lock. Where there
is a payment, everything is undone, it is ended at the provider, outside any transaction, and the
whole is tried again: a payment that the provider won't end, as its money has come or is on its way,
is noted on the order by then.
"""

import time
import uuid
from collections.abc import Callable
from typing import TypeVar

from django.conf import settings

from enrollments.errors import PaymentInProgress
from orders import paying

_T = TypeVar("_T")

# Another payment may have been begun while one was ended; nobody does that for long.
_ROUNDS = 2


class OrderHasOpenPayment(Exception):
    """The order can't be closed before what may take money for it is ended; nothing was changed."""

    def __init__(self, *, order_id: uuid.UUID) -> None:
        super().__init__(f"order {order_id} may still be paid")
        self.order_id = order_id


def require_no_open_payment(*, order_id: uuid.UUID) -> None:
    """Raise OrderHasOpenPayment if somebody may be paying the order. The caller has its lock."""
    if paying.has_open_payment(order_id=order_id):
        raise OrderHasOpenPayment(order_id=order_id)


def try_past_open_payments(
    *, attempt: Callable[[uuid.UUID | None], _T], seconds: float | None = None
) -> _T:
    """Return what `attempt` returns, a transaction of its own that may raise OrderHasOpenPayment:
    then the payment is ended, and it is called again with the id of that order (at first, None).

    Raises PaymentInProgress when the buyer begins another payment each time, and Unavailable when
    the provider doesn't answer within `STRIPE_DEADLINE_SECONDS` from the call, or these seconds
    where they are fewer, however often it is asked.
    """
    limit = settings.STRIPE_DEADLINE_SECONDS
    ends_at = time.monotonic() + (limit if seconds is None else min(limit, seconds))
    ended: uuid.UUID | None = None
    for _ in range(_ROUNDS):
        try:
            return attempt(ended)
        except OrderHasOpenPayment as exc:
            ended = exc.order_id
        paying.end_open_payment(order_id=ended, seconds=max(0.0, ends_at - time.monotonic()))
    try:
        return attempt(ended)
    except OrderHasOpenPayment as exc:
        raise PaymentInProgress from exc
