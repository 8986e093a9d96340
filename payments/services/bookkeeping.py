"""What keeps the ledger whole when something was missed."""

import datetime as dt
import logging
import time

from celery.exceptions import SoftTimeLimitExceeded
from django.utils import timezone

from payments import ledger, stripe_gateway
from payments.errors import PaymentsUnavailable
from payments.models import Payment
from payments.services.dispute_notes import settle_missing_notes
from payments.services.settlement import settle
from payments.services.sweeping import BUDGET_SECONDS
from payments.services.terms import remember_terms
from payments.stripe_gateway import StripeNotFound

logger = logging.getLogger(__name__)

# Stripe tells of the fee some seconds after the payment, by an event; this is for those it lost.
NOT_BEFORE = dt.timedelta(minutes=5)
NOT_AFTER = dt.timedelta(days=3)


def book_missing(*, limit: int = 100, everything: bool = False) -> int:
    """Book every fact that isn't in the ledger, settle the credit notes of disputes, and book
    the fees of late payments of which Stripe has told by now; returns how many movements and notes
    that made. What the settings say of shares is written down, should it have changed. Facts and
    notes are those that the database noted as missing; with `everything` all are looked at.
    """
    remember_terms()
    # What is credited follows from what is booked.
    return (
        ledger.post_missing(everything=everything)
        + settle_missing_notes(everything=everything)
        + _look_up_fees(limit)
    )


def _look_up_fees(limit: int) -> int:
    if not stripe_gateway.is_configured():
        return 0
    now = timezone.now()
    rows = Payment.objects.filter(
        status=Payment.Status.SUCCEEDED,
        fee_amount=None,
        succeeded_at__range=(now - NOT_AFTER, now - NOT_BEFORE),
    )
    booked, started = 0, time.monotonic()
    for intent_id in rows.order_by("succeeded_at").values_list("stripe_payment_id", flat=True)[
        :limit
    ]:
        if time.monotonic() - started >= BUDGET_SECONDS:
            break
        try:
            intent = stripe_gateway.retrieve_intent(intent_id=intent_id)
            settle(intent=intent)
        except StripeNotFound:
            continue
        except PaymentsUnavailable:
            break
        except SoftTimeLimitExceeded:
            raise
        except Exception:
            logger.exception("the fee of %s can't be taken", intent_id)
        else:
            booked += intent.fee is not None
    return booked
