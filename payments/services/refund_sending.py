"""Asking Stripe for refunds that are due, and how those are that aren't through yet."""

import datetime as dt
import logging

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from core import outbox
from core.money import to_minor
from core.outbox import back_off_delay
from payments import books, stripe_gateway
from payments.events import RefundFailed
from payments.models import Payment, Refund
from payments.services.refund_requests import is_promised
from payments.services.refund_shortages import LACKS_BALANCE, TRY_SHORT_AGAIN, tell_shortage
from payments.services.refund_sync import sync_refund
from payments.services.refunds import release
from payments.services.sweeping import sweep
from payments.state import move_refund
from payments.stripe_gateway import RefundFacts, StripeNotFound, StripeRefused

logger = logging.getLogger(__name__)

TASK = "payments.tasks.send_due_refunds"

FIRST_LOOK = dt.timedelta(minutes=1)
LATEST_LOOK = dt.timedelta(hours=1)


class RefundNotDecided(Exception):
    """A refund that is due was nobody's decision, and is none that the rules give back."""


def send_due_refunds(*, limit: int = 20) -> int:
    """Ask Stripe for the refunds that are due, and look pending ones up; returns how many of both
    were tried.

    What was made before is looked for first, and the idempotency key follows from the row: a worker
    killed between call and commit, or two workers at once, give the money back once.
    """
    sent = sweep(claim=_claim_due, work=_send, failed=_try_later, limit=limit, task=TASK)
    return sent + sweep(claim=_claim_pending, work=_look_up, failed=_leave, limit=limit, task=TASK)


def _send(refund: Refund) -> None:
    # What Stripe has made already is looked up, and moves no more.
    if not refund.stripe_refund_id and not _may_be_made(refund):
        # Somebody wrote the row: it stays as it is, for staff to see.
        raise RefundNotDecided(f"refund {refund.id} is nobody's decision; nothing was sent")
    try:
        facts = _ask_stripe(refund)
    except StripeRefused as exc:
        if exc.code in LACKS_BALANCE:
            _put_off(refund, words=f"{exc.code}: {exc.message}")
            return
        logger.exception("Stripe refused refund %s", refund.id)
        _give_up(refund, code=exc.code, words=exc.message)
    except StripeNotFound as exc:
        logger.exception("Stripe doesn't know the payment of refund %s", refund.id)
        _give_up(refund, code="payment_unknown", words=str(exc))
    else:
        sync_refund(facts=facts)


def _may_be_made(refund: Refund) -> bool:
    """Return whether Stripe is to be asked for it. One made at Stripe has its id from there,
    however old its row says that it is."""
    return refund.reason != "at_stripe" and books.is_decided(refund_id=refund.id)


def _ask_stripe(refund: Refund) -> RefundFacts:
    """Have Stripe make the refund; one that it has made and waits with is looked up."""
    if refund.stripe_refund_id:
        return stripe_gateway.retrieve_refund(stripe_refund_id=refund.stripe_refund_id)
    # Stripe keeps a refusal under its key for a day. All who try at the same count share a key.
    again = f"-short-{refund.shortages}" if refund.shortages else ""
    return stripe_gateway.create_refund(
        intent_id=refund.payment.stripe_payment_id,
        amount=to_minor(refund.amount),
        refund_id=str(refund.id),
        idempotency_key=f"refund-{refund.id}{again}",
    )


def _put_off(refund: Refund, *, words: str) -> None:
    """Try a refund again in a day for which too little was available at Stripe, unless somebody
    who tried it at the same time has said so."""
    logger.warning("refund %s is tried again in a day: %s", refund.id, words)
    with transaction.atomic():
        payment = Payment.objects.select_for_update().get(id=refund.payment_id)
        now = Refund.objects.get(id=refund.id)
        if now.status != Refund.Status.DUE or now.shortages != refund.shortages:
            return
        now.next_attempt_at = timezone.now() + TRY_SHORT_AGAIN
        tell_shortage(payment=payment, refund=now, words=words)
        now.save(update_fields=["next_attempt_at", "shortages", "last_error", "updated_at"])


def _look_up(refund: Refund) -> None:
    try:
        facts = stripe_gateway.retrieve_refund(stripe_refund_id=str(refund.stripe_refund_id))
    except StripeNotFound:
        logger.warning("Stripe no longer knows refund %s", refund.stripe_refund_id)
    else:
        sync_refund(facts=facts)


def _claim_due() -> Refund | None:
    with transaction.atomic():
        refund = _next(Refund.Status.DUE)
        if refund is not None:
            refund.attempts += 1
            refund.next_attempt_at = timezone.now() + settings.LEASE
            refund.save(update_fields=["attempts", "next_attempt_at", "updated_at"])
    return refund


def _claim_pending() -> Refund | None:
    """Claim a refund that Stripe took and hasn't ended; the gaps grow with its age."""
    with transaction.atomic():
        refund = _next(Refund.Status.PENDING)
        if refund is not None:
            now = timezone.now()
            gap = min(max((now - refund.created_at) / 2, FIRST_LOOK), LATEST_LOOK)
            refund.next_attempt_at = now + gap
            refund.save(update_fields=["next_attempt_at", "updated_at"])
    return refund


def _next(status: Refund.Status) -> Refund | None:
    return (
        Refund.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("payment")
        .filter(status=status, next_attempt_at__lte=timezone.now())
        .order_by("next_attempt_at")
        .first()
    )


def _try_later(refund: Refund, exc: Exception) -> None:
    Refund.objects.filter(id=refund.id, status=Refund.Status.DUE).update(
        next_attempt_at=timezone.now() + back_off_delay(attempts=refund.attempts),
        last_error=f"{type(exc).__name__}: {exc}"[:2000],
    )


def _leave(refund: Refund, exc: Exception) -> None:
    """Nothing to do: the claim already says when the refund is looked up again."""


def _give_up(refund: Refund, *, code: str, words: str) -> None:
    """End a refund that Stripe won't make, in sight of staff, unless it was made after all."""
    with transaction.atomic():
        # Payment before refund, as everywhere.
        payment = Payment.objects.select_for_update().get(id=refund.payment_id)
        refund = Refund.objects.get(id=refund.id)
        if refund.status != Refund.Status.DUE or not move_refund(refund, Refund.Status.FAILED):
            return
        refund.failure_reason = code[:100]
        refund.last_error = f"{code}: {words}"[:2000]
        refund.save(update_fields=["status", "failure_reason", "last_error", "updated_at"])
        release(payment=payment, amount=refund.amount)
        payment.needs_attention = f"Stripe refused a refund: {code}"[:200]
        payment.save(update_fields=["needs_attention", "updated_at"])
        outbox.record(
            RefundFailed(
                refund_id=refund.id,
                order_id=payment.order_id,
                user_id=payment.order.user_id,
                was_applied=False,
                was_promised=is_promised(refund=refund),
            )
        )
