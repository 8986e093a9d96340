"""The inbox: events are stored once by Stripe's id, answered, then handled by a worker.

An event is a trigger, not a truth: handling fetches the object anew, outside any transaction, and
marks the event handled in the transaction of its effect. A claim lapses by itself, so a killed
worker only delays. An event whose order isn't here is parked: our commit, or a restored backup's
orders, may still come.
"""

import datetime as dt
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

from django.conf import settings
from django.db import DataError, transaction
from django.utils import timezone

from core.logging import current_id
from core.nudge import nudge
from core.outbox import back_off_delay
from core.pruning import prune
from payments import stripe_gateway
from payments.errors import NotOursYet, PaymentsUnavailable
from payments.models import Payment, StripeEvent
from payments.services import lookups, payout_accounts, payouts
from payments.services.lookups import Effect, NotOurs
from payments.services.sweeping import sweep
from payments.stripe_gateway import EventFacts, StripeNotFound
from payments.stripe_payloads import keep_of

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 25
# As many tries at most are used up by waiting, for an order or for Stripe: enough for the longest
# pause between two, and far from the end.
_WAITS_COUNTED = 12
# How long an event waits for an order that isn't here.
PARKED_FOR = dt.timedelta(days=3)
KEEP_EVENTS = dt.timedelta(days=90)


def receive_event(*, raw_body: bytes, signature: str) -> bool:
    """Verify and store an event; True when it is new. Raises InvalidSignature.

    One statement: the same event twenty times at once is one row. Of the payload only ids and
    states are kept (`payments.stripe_payloads`). It is only for people to read, so an event with
    text PostgreSQL can't store (NUL, half a surrogate pair) goes without.
    """
    event = stripe_gateway.verify_event(raw_body=raw_body, signature=signature)
    return store_events(events=[event]) == 1


def store_events(*, events: Sequence[EventFacts]) -> int:
    """Store those that aren't here yet, due at once; returns how many that were."""
    try:
        return _store(events)
    except DataError:
        if len(events) > 1:
            return sum(store_events(events=[event]) for event in events)
        return _store([replace(event, payload={}) for event in events])


def handle_due_events(*, limit: int = 50) -> int:
    """Handle stored events that are due, oldest first; returns how many were tried."""
    return sweep(claim=_claim_next, work=_handle, failed=_try_later, limit=limit)


def resend_events(*, event_ids: list[str]) -> int:
    """Make events due again, e.g. dead ones after a fix; handling them twice is harmless."""
    count = StripeEvent.objects.filter(id__in=event_ids, type__in=_LOOK_UP).update(
        status=StripeEvent.Status.RECEIVED,
        attempts=0,
        next_attempt_at=timezone.now(),
        handled_at=None,
    )
    nudge("payments.tasks.handle_stripe_events")
    return count


def prune_events() -> int:
    """Delete events that were handled or ignored and came long ago; returns how many. Stripe sends
    or lists none as old again."""
    over = [StripeEvent.Status.HANDLED, StripeEvent.Status.IGNORED]
    old = StripeEvent.objects.filter(status__in=over, received_at__lt=timezone.now() - KEEP_EVENTS)
    return prune(old)


def _store(events: Sequence[EventFacts]) -> int:
    known = set(
        StripeEvent.objects.filter(id__in=[event.id for event in events]).values_list(
            "id", flat=True
        )
    )
    new = [_row_of(event) for event in events if event.id not in known]
    with transaction.atomic():
        StripeEvent.objects.bulk_create(new, ignore_conflicts=True)
        if any(row.status == StripeEvent.Status.RECEIVED for row in new):
            transaction.on_commit(lambda: nudge("payments.tasks.handle_stripe_events"))
    return len(new)


def _row_of(event: EventFacts) -> StripeEvent:
    is_handled = event.type in _LOOK_UP
    return StripeEvent(
        id=event.id,
        type=event.type,
        object_id=event.object_id,
        payload=keep_of(event.payload),
        status=StripeEvent.Status.RECEIVED if is_handled else StripeEvent.Status.IGNORED,
        created_at_stripe=event.created,
        next_attempt_at=timezone.now(),
        request_id=current_id(),
    )


def _handle(event: StripeEvent) -> None:
    try:
        _take_effect(event, _LOOK_UP[event.type](event))
    except StripeNotFound:
        _ignore(event, "Stripe no longer knows the object")
    except NotOurs as exc:
        _ignore(event, str(exc))
    except NotOursYet as exc:
        _park(event, exc)


def _take_effect(event: StripeEvent, effect: Effect) -> None:
    """Both or neither. Somebody whose claim lapsed may be at it, too: effects bear being repeated,
    and take their own locks."""
    with transaction.atomic():
        effect()
        StripeEvent.objects.filter(id=event.id, status=StripeEvent.Status.RECEIVED).update(
            status=StripeEvent.Status.HANDLED, handled_at=timezone.now(), last_error=""
        )
    logger.info("Stripe's event %s of type %s handled", event.id, event.type)


def _look_up_charge(event: StripeEvent) -> Effect:
    """A charge changes when Stripe knows its fee, which is told with its intent."""
    known = Payment.objects.filter(stripe_charge_id=event.object_id).first()
    if known is not None:
        return lookups.look_up_intent(intent_id=known.stripe_payment_id)
    told = event.payload.get("data", {}).get("object", {}).get("payment_intent")
    if not isinstance(told, str):
        raise NotOurs("There is no payment intent behind it")
    return lookups.look_up_intent(intent_id=told)


def _look_up_intent(event: StripeEvent) -> Effect:
    return lookups.look_up_intent(intent_id=event.object_id)


def _look_up_refund(event: StripeEvent) -> Effect:
    return lookups.look_up_refund(stripe_refund_id=event.object_id)


def _look_up_refunds(event: StripeEvent) -> Effect:
    return lookups.look_up_refunds_of_charge(charge_id=event.object_id)


def _look_up_dispute(event: StripeEvent) -> Effect:
    return lookups.look_up_dispute(stripe_dispute_id=event.object_id)


def _look_up_account(event: StripeEvent) -> Effect:
    return payout_accounts.look_up_account(account_id=event.object_id)


def _look_up_transfer(event: StripeEvent) -> Effect:
    return payouts.look_up_transfer(transfer_id=event.object_id)


# What is handled (contract "Orders and payments"); every other type is stored and ignored.
_LOOK_UP: dict[str, Callable[[StripeEvent], Effect]] = {
    "payment_intent.succeeded": _look_up_intent,
    "payment_intent.payment_failed": _look_up_intent,
    "payment_intent.processing": _look_up_intent,
    "payment_intent.canceled": _look_up_intent,
    "charge.updated": _look_up_charge,
    "charge.refunded": _look_up_refunds,
    "refund.created": _look_up_refund,
    "refund.updated": _look_up_refund,
    "refund.failed": _look_up_refund,
    "charge.dispute.created": _look_up_dispute,
    "charge.dispute.updated": _look_up_dispute,
    "charge.dispute.closed": _look_up_dispute,
    "charge.dispute.funds_withdrawn": _look_up_dispute,
    "charge.dispute.funds_reinstated": _look_up_dispute,
    "account.updated": _look_up_account,
    "transfer.reversed": _look_up_transfer,
}
HANDLED_TYPES = tuple(_LOOK_UP)


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
            event.next_attempt_at = now + settings.LEASE
            event.save(update_fields=["attempts", "next_attempt_at"])
    return event


def _try_later(event: StripeEvent, exc: Exception) -> None:
    words = f"{type(exc).__name__}: {exc}"[:2000]
    if isinstance(exc, PaymentsUnavailable):
        _wait(event, words)
        return
    dead = event.attempts >= MAX_ATTEMPTS
    StripeEvent.objects.filter(id=event.id, status=StripeEvent.Status.RECEIVED).update(
        status=StripeEvent.Status.DEAD if dead else StripeEvent.Status.RECEIVED,
        next_attempt_at=timezone.now() + back_off_delay(attempts=event.attempts),
        last_error=words,
    )


def _park(event: StripeEvent, exc: NotOursYet) -> None:
    """Put it aside until its order is here, or it has waited long enough."""
    if event.received_at <= timezone.now() - PARKED_FOR:
        _ignore(event, f"{exc.message}, for {PARKED_FOR.days} days")
    else:
        _wait(event, f"Parked: {exc.message}")


def _wait(event: StripeEvent, words: str) -> None:
    """Put it aside. That is no failure of the event, so it never ends dead for it."""
    StripeEvent.objects.filter(id=event.id, status=StripeEvent.Status.RECEIVED).update(
        attempts=min(event.attempts, _WAITS_COUNTED),
        next_attempt_at=timezone.now() + back_off_delay(attempts=event.attempts),
        last_error=words,
    )


def _ignore(event: StripeEvent, words: str) -> None:
    StripeEvent.objects.filter(id=event.id, status=StripeEvent.Status.RECEIVED).update(
        status=StripeEvent.Status.IGNORED, last_error=words
    )
