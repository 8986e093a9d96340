"""The inbox: events are stored once by Stripe's id, answered, then handled by a worker.

An event is a trigger, not a truth: handling fetches the object anew, outside any transaction, and
marks the event handled in the transaction of its effect. A claim lapses by itself, so a killed
worker only delays.
"""

import datetime as dt
from collections.abc import Callable

from django.db import DataError, transaction
from django.utils import timezone

from core.nudge import nudge
from core.outbox import back_off_delay
from payments import stripe_gateway
from payments.models import Payment, StripeEvent
from payments.services.disputes import sync_dispute
from payments.services.refunds import sync_refund
from payments.services.settlement import settle
from payments.services.sweeping import sweep
from payments.stripe_gateway import StripeNotFound

# Longer than handling one event takes, time-outs included.
CLAIM = dt.timedelta(seconds=60)
MAX_ATTEMPTS = 25

Effect = Callable[[], None]


def receive_event(*, raw_body: bytes, signature: str) -> bool:
    """Verify and store an event; True when it is new. Raises InvalidSignature.

    One statement: the same event twenty times at once is one row. The payload is only for people
    to read, so an event with text PostgreSQL can't store (NUL, half a surrogate pair) goes without.
    """
    event = stripe_gateway.verify_event(raw_body=raw_body, signature=signature)
    known = event.type in _FETCH
    row = StripeEvent(
        id=event.id,
        type=event.type,
        object_id=event.object_id,
        payload=event.payload,
        status=StripeEvent.Status.RECEIVED if known else StripeEvent.Status.IGNORED,
        created_at_stripe=event.created,
        next_attempt_at=timezone.now(),
    )
    try:
        return _store(row)
    except DataError:
        row.payload = {}
        return _store(row)


def _store(row: StripeEvent) -> bool:
    with transaction.atomic():
        is_new = not StripeEvent.objects.filter(id=row.id).exists()
        StripeEvent.objects.bulk_create([row], ignore_conflicts=True)
        if row.status == StripeEvent.Status.RECEIVED:
            transaction.on_commit(lambda: nudge("payments.tasks.handle_stripe_events"))
    return is_new


def handle_due_events(*, limit: int = 50) -> int:
    """Handle stored events that are due, oldest first; returns how many were tried."""
    return sweep(claim=_claim_next, work=_handle, failed=_try_later, limit=limit)


def resend_events(*, event_ids: list[str]) -> int:
    """Make events due again, e.g. dead ones after a fix; handling them twice is harmless."""
    count = StripeEvent.objects.filter(id__in=event_ids, type__in=_FETCH).update(
        status=StripeEvent.Status.RECEIVED,
        attempts=0,
        next_attempt_at=timezone.now(),
        handled_at=None,
    )
    nudge("payments.tasks.handle_stripe_events")
    return count


def _handle(event: StripeEvent) -> None:
    try:
        effect = _FETCH[event.type](event)
    except StripeNotFound:
        _close(event, StripeEvent.Status.IGNORED, "Stripe no longer knows the object")
        return
    with transaction.atomic():
        row = StripeEvent.objects.select_for_update().get(id=event.id)
        if row.status != StripeEvent.Status.RECEIVED:
            return
        effect()
        row.status = StripeEvent.Status.HANDLED
        row.handled_at = timezone.now()
        row.last_error = ""
        row.save()


def _fetch_intent(event: StripeEvent) -> Effect:
    intent = stripe_gateway.retrieve_intent(intent_id=event.object_id)
    return lambda: _settle(intent)


def _settle(intent: stripe_gateway.IntentFacts) -> None:
    settle(intent=intent)


def _fetch_refund(event: StripeEvent) -> Effect:
    facts = stripe_gateway.retrieve_refund(stripe_refund_id=event.object_id)
    return _after_payment(facts.intent_id, lambda: sync_refund(facts=facts))


def _fetch_refunds_of_charge(event: StripeEvent) -> Effect:
    refunds = stripe_gateway.list_refunds_of_charge(charge_id=event.object_id)

    def apply() -> None:
        for facts in reversed(refunds):
            sync_refund(facts=facts)

    return _after_payment(refunds[0].intent_id, apply) if refunds else apply


def _fetch_dispute(event: StripeEvent) -> Effect:
    facts = stripe_gateway.retrieve_dispute(stripe_dispute_id=event.object_id)
    return _after_payment(facts.intent_id, lambda: sync_dispute(facts=facts))


def _after_payment(intent_id: str, effect: Effect) -> Effect:
    """What is refunded or disputed was paid. Should that be news to us, as its own event is late,
    it is settled first: the order would else be completed afterwards, with the money gone."""
    paid = Payment.objects.filter(stripe_payment_id=intent_id, status=Payment.Status.SUCCEEDED)
    if not intent_id or paid.exists():
        return effect
    intent = stripe_gateway.retrieve_intent(intent_id=intent_id)

    def apply() -> None:
        settle(intent=intent)
        effect()

    return apply


# What is handled (contract "Orders and payments"); every other type is stored and ignored.
_FETCH: dict[str, Callable[[StripeEvent], Effect]] = {
    "payment_intent.succeeded": _fetch_intent,
    "payment_intent.payment_failed": _fetch_intent,
    "payment_intent.processing": _fetch_intent,
    "payment_intent.canceled": _fetch_intent,
    "charge.refunded": _fetch_refunds_of_charge,
    "refund.updated": _fetch_refund,
    "charge.dispute.created": _fetch_dispute,
    "charge.dispute.closed": _fetch_dispute,
}


def _claim_next() -> StripeEvent | None:
    now = timezone.now()
    with transaction.atomic():
        event = (
            StripeEvent.objects.select_for_update(skip_locked=True)
            .filter(status=StripeEvent.Status.RECEIVED, next_attempt_at__lte=now)
            .order_by("next_attempt_at")
            .first()
        )
        if event is not None:
            event.attempts += 1
            event.next_attempt_at = now + CLAIM
            event.save(update_fields=["attempts", "next_attempt_at"])
    return event


def _try_later(event: StripeEvent, exc: Exception) -> None:
    dead = event.attempts >= MAX_ATTEMPTS
    StripeEvent.objects.filter(id=event.id, status=StripeEvent.Status.RECEIVED).update(
        status=StripeEvent.Status.DEAD if dead else StripeEvent.Status.RECEIVED,
        next_attempt_at=timezone.now() + back_off_delay(attempts=event.attempts),
        last_error=f"{type(exc).__name__}: {exc}"[:2000],
    )


def _close(event: StripeEvent, status: str, words: str) -> None:
    StripeEvent.objects.filter(id=event.id, status=StripeEvent.Status.RECEIVED).update(
        status=status, last_error=words
    )
