"""Pending orders end: their intent is cancelled at Stripe first, so that no money crosses."""

import datetime as dt
import logging
import time
import uuid

from celery.exceptions import SoftTimeLimitExceeded

from cart.errors import PaymentInProgress
from orders import paying
from orders import selectors as order_selectors
from orders import services as order_services
from payments.errors import PaymentsUnavailable
from payments.models import StripeCursor
from payments.services import sweeping
from payments.stripe_gateway import StripeLater

logger = logging.getLogger(__name__)

# How far the orders that are due have been gone through, by when they were due.
CURSOR = "expiry"
_BEGINNING = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def expire_orders(*, limit: int = 500) -> int:
    """Close orders past their time, for some seconds; returns how many. The next sweep goes on
    where one stopped, so that orders that can't be closed keep no others open.

    One that turns out paid is completed, and one whose money is on its way is left alone. One that
    Stripe won't have touched right now, as its buyer may be paying, waits; and so does each that
    somebody may be paying while Stripe doesn't answer, which is asked once. Those that nobody can
    pay close all the same.
    """
    started = time.monotonic()
    closed, is_answering, begun_at = 0, True, _read_cursor()
    last = begun_at
    for order_id, expires_at in order_selectors.list_expired_orders(after=begun_at, limit=limit):
        if time.monotonic() - started >= sweeping.BUDGET_SECONDS:
            break
        last = expires_at
        if not is_answering and paying.has_open_payment(order_id=order_id):
            continue
        try:
            closed += _expire(order_id)
        except PaymentsUnavailable:
            is_answering = False
    if last != begun_at:
        StripeCursor.objects.update_or_create(name=CURSOR, defaults={"read_until": last})
    return closed


def _read_cursor() -> dt.datetime:
    cursor = StripeCursor.objects.filter(name=CURSOR).first()
    return cursor.read_until if cursor else _BEGINNING


def _expire(order_id: uuid.UUID) -> bool:
    """Close the order, if it can be. Raises PaymentsUnavailable when Stripe doesn't answer."""
    try:
        return order_services.close_order(order_id=order_id, reason="expired")
    except (PaymentInProgress, StripeLater):
        return False
    except (PaymentsUnavailable, SoftTimeLimitExceeded):
        raise
    except Exception:
        logger.exception("overdue order %s can't be closed", order_id)
        return False
