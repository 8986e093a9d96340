"""Pending orders end: their intent is cancelled at Stripe first, so that no money crosses."""

import datetime as dt
import logging
import time
import uuid
from dataclasses import dataclass

from core.nudge import nudge_for_rest
from enrollments.errors import PaymentInProgress
from orders import paying
from orders import selectors as order_selectors
from orders import services as order_services
from payments.models import StripeCursor
from payments.services.sweeping import Outcome, attempt, is_over

logger = logging.getLogger(__name__)

TASK = "payments.tasks.expire_orders"
# How far the orders that are due have been gone through, by when they were due.
CURSOR = "expiry"
_BEGINNING = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass
class _Due:
    """An order past its time, and whether it is closed by now."""

    order_id: uuid.UUID
    is_closed: bool = False

    def __str__(self) -> str:
        return f"overdue order {self.order_id}"


def expire_orders(*, limit: int = 500) -> int:
    """Close orders past their time, for some seconds; returns how many. The next sweep goes on
    where one stopped, so that orders that can't be closed keep no others open; it is asked for when
    this one closed some and left some.

    One that turns out paid is completed, and one whose money is on its way is left alone. One that
    Stripe won't have touched right now, as its buyer may be paying, waits and holds up no other.
    When Stripe doesn't answer, or puts off one order after the other, it is asked no more: each
    that somebody may be paying waits. Those that nobody can pay close all the same.
    """
    started, tried, closed = time.monotonic(), 0, 0
    last, is_asked, out_of_time = Outcome.ANSWERED, True, False
    begun_at = reached = _read_cursor()
    for order_id, expires_at in order_selectors.list_expired_orders(after=begun_at, limit=limit):
        if out_of_time := is_over(started=started):
            break
        tried, reached = tried + 1, expires_at
        is_open = paying.has_open_payment(order_id=order_id)
        if is_open and not is_asked:
            continue
        due = _Due(order_id)
        outcome = attempt(due, work=_expire, failed=lambda *_: None)
        closed += due.is_closed
        if is_open:
            is_asked = outcome is not Outcome.AWAY and {outcome, last} != {Outcome.PUT_OFF}
            last = outcome
    if reached != begun_at:
        StripeCursor.objects.update_or_create(name=CURSOR, defaults={"read_until": reached})
    # One that closed none would go around those that can't be closed without end.
    if is_asked and closed:
        nudge_for_rest(TASK, tried=tried, limit=limit, out_of_time=out_of_time)
    return closed


def _read_cursor() -> dt.datetime:
    cursor = StripeCursor.objects.filter(name=CURSOR).first()
    return cursor.read_until if cursor else _BEGINNING


def _expire(due: _Due) -> None:
    try:
        due.is_closed = order_services.close_order(order_id=due.order_id, reason="expired")
    except PaymentInProgress:
        # Its money set out meanwhile: it ends as that does.
        logger.info("%s is being paid", due)
