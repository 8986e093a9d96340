"""The inbox: events are stored once by Stripe's id, answered, then handled by a worker.

An event is a trigger, not a truth: handling fetches the object anew, outside any transaction, and
marks the event handled in the transaction of its effect. A claim lapses by itself, so a killed
worker only delays. An event whose order isn't here is parked: our commit, or a restored backup's
orders, may still come.
"""

import datetime as dt
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import chain

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
from payments.services import bank_payouts, lookups, payout_accounts, payouts
from payments.services.ahead import Question, asked_together
from payments.services.lookups import Effect, NotOurs
from payments.services.sweeping import attempt, is_over, patience
from payments.stripe_gateway import EventFacts, StripeNotFound
from payments.stripe_patience import deadline
from payments.stripe_payloads import keep_of

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 25
# Events that are claimed and asked about together.
TOGETHER = 20
_CHARGE_UPDATED = "charge.updated"
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


def handle_due_events(*, limit: int = 100) -> int:
    """Handle stored events that are due, oldest first, some at a time; returns how many were tried.

    Stripe is asked about those together, and each is handled when its answer is there, in a
    transaction of its own: a slow answer holds up nobody else's event, and one answer serves all
    events about the same object. When Stripe doesn't answer the sweep ends with them.
    """
    started, tried, goes_on = time.monotonic(), 0, True
    while goes_on and tried < limit and (events := _claim(limit=min(TOGETHER, limit - tried))):
        tried += len(events)
        goes_on = _handle_together(events) and not is_over(started=started)
    return tried


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
    is_handled = event.type in _LOOK_UP and not event.is_thin
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


def _handle_together(events: Sequence[StripeEvent]) -> bool:
    """Handle events that are claimed; False when Stripe didn't answer for some of them."""
    questions = _questions_of(events)
    by_question: dict[Question, list[StripeEvent]] = {}
    for event in events:
        if event.id in questions:
            by_question.setdefault(questions[event.id], []).append(event)
    unasked = [event for event in events if event.id not in questions]
    # All their calls together end well before the claims do.
    with deadline(seconds=patience()), asked_together(by_question) as answered:
        in_order = chain(chain.from_iterable(by_question[one] for one in answered), unasked)
        answers = [attempt(event, work=_handle, failed=_try_later) for event in in_order]
    return all(answers)


def _questions_of(events: Sequence[StripeEvent]) -> dict[str, Question]:
    """Return by event what it needs to know of Stripe, where that can be told beforehand."""
    charges = [event.object_id for event in events if event.type == _CHARGE_UPDATED]
    known = (
        Payment.objects.filter(stripe_charge_id__in=charges) if charges else Payment.objects.none()
    )
    intents = dict(known.values_list("stripe_charge_id", "stripe_payment_id"))
    questions = {
        event.id: Question(ask=_ASK[event.type], object_id=event.object_id)
        for event in events
        if event.type in _ASK
    }
    for event in events:
        if event.type == _CHARGE_UPDATED and (intent_id := intents.get(event.object_id)):
            questions[event.id] = Question(ask=lookups.ask_intent, object_id=intent_id)
    return questions


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


def _look_up_deauthorized(event: StripeEvent) -> Effect:
    """The event's object is our application: whose account it is of, only its envelope says."""
    return payout_accounts.look_up_account(account_id=_account_of(event))


def _look_up_bank_payout(event: StripeEvent) -> Effect:
    return bank_payouts.look_up_bank_payout(
        payout_id=event.object_id, account_id=_account_of(event)
    )


def _account_of(event: StripeEvent) -> str:
    """Return the connected account that the event is of. Raises NotOurs for one of our own."""
    told = event.payload.get("account")
    if not isinstance(told, str):
        raise NotOurs("It is of no connected account")
    return told


def _look_up_transfer(event: StripeEvent) -> Effect:
    return payouts.look_up_transfer(transfer_id=event.object_id)


# What is handled (contract "Orders and payments"); every other type is stored and ignored.
_LOOK_UP: dict[str, Callable[[StripeEvent], Effect]] = {
    "payment_intent.succeeded": _look_up_intent,
    "payment_intent.payment_failed": _look_up_intent,
    "payment_intent.processing": _look_up_intent,
    "payment_intent.canceled": _look_up_intent,
    _CHARGE_UPDATED: _look_up_charge,
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
    "account.application.deauthorized": _look_up_deauthorized,
    "payout.failed": _look_up_bank_payout,
    "transfer.reversed": _look_up_transfer,
}
HANDLED_TYPES = tuple(_LOOK_UP)
# Of these, what Stripe tells of connected accounts, at an endpoint of its own.
CONNECTED_TYPES = ("account.updated", "account.application.deauthorized", "payout.failed")
# What of it is asked for several events together.
_ASK: dict[str, Callable[[str], object]] = {
    "payment_intent.succeeded": lookups.ask_intent,
    "payment_intent.payment_failed": lookups.ask_intent,
    "payment_intent.processing": lookups.ask_intent,
    "payment_intent.canceled": lookups.ask_intent,
    "charge.refunded": lookups.ask_refunds_of_charge,
    "refund.created": lookups.ask_refund,
    "refund.updated": lookups.ask_refund,
    "refund.failed": lookups.ask_refund,
    "charge.dispute.created": lookups.ask_dispute,
    "charge.dispute.updated": lookups.ask_dispute,
    "charge.dispute.closed": lookups.ask_dispute,
    "charge.dispute.funds_withdrawn": lookups.ask_dispute,
    "charge.dispute.funds_reinstated": lookups.ask_dispute,
}


def _claim(*, limit: int) -> list[StripeEvent]:
    now = timezone.now()
    due = StripeEvent.objects.filter(status=StripeEvent.Status.RECEIVED, next_attempt_at__lte=now)
    with transaction.atomic():
        events = list(due.select_for_update(skip_locked=True).order_by("next_attempt_at")[:limit])
        for event in events:
            event.attempts += 1
            event.next_attempt_at = now + settings.LEASE
        StripeEvent.objects.bulk_update(events, ["attempts", "next_attempt_at"])
    return events


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
