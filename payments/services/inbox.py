"""The inbox: what was stored at its door (`receiving`) is handled by a worker.

An event is a trigger, not a truth: handling fetches the object anew, outside any transaction, and
marks the event handled in the transaction of its effect. A claim lapses by itself, so a killed
worker only delays. An event whose order isn't here is parked: our commit, or a restored backup's
orders, may still come.
"""

import datetime as dt
import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from core.nudge import nudge_for_rest
from core.outbox import back_off_delay
from payments.errors import NotOursYet, PaymentsUnavailable
from payments.models import Payment, StripeEvent
from payments.services import bank_payouts, lookups, payout_accounts, payouts
from payments.services.ahead import Asking, Question
from payments.services.lookups import Effect, NotOurs
from payments.services.questions import (
    CHARGE_UPDATED,
    account_of,
    has_fee,
    intent_of_charge,
    questions_of,
)
from payments.services.sweeping import Outcome, attempt, is_over, patience
from payments.services.together import log_handled, settle_together
from payments.stripe_gateway import StripeNotFound
from payments.stripe_patience import deadline

logger = logging.getLogger(__name__)

TASK = "payments.tasks.handle_stripe_events"
MAX_ATTEMPTS = 25
# Events that are claimed and asked about together.
TOGETHER = 100
# As many tries at most are used up by waiting, for an order or for Stripe: enough for the longest
# pause between two, and far from the end.
_WAITS_COUNTED = 12
# How long an event waits for an order that isn't here.
PARKED_FOR = dt.timedelta(days=3)
# One statement, and so a transaction by itself.
_CLAIM: Final = """
    WITH due AS (
        SELECT id, next_attempt_at FROM payments_stripeevent
        WHERE status = %(received)s AND next_attempt_at <= %(now)s
          AND (type = %(charge)s) = %(of_charges)s
        ORDER BY next_attempt_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
    ), claimed AS (
        UPDATE payments_stripeevent SET attempts = attempts + 1, next_attempt_at = %(until)s
        WHERE id = ANY(ARRAY(SELECT id FROM due)) RETURNING *
    )
    SELECT claimed.* FROM claimed JOIN due USING (id) ORDER BY due.next_attempt_at
"""


def handle_due_events(*, limit: int = 300) -> int:
    """Handle stored events that are due, oldest first, some at a time; returns how many were tried.

    Stripe is asked about those together, and each is handled when its answer is there: a slow
    answer holds up nobody else's event, neither of those that were claimed with it nor of those
    that come while it is waited for, whatever the limit; and one answer serves all events about the
    same object. Purchases that are answered at about the same time are settled in one transaction,
    everything else in one of its own. When Stripe doesn't answer, or puts off what it is asked, and
    has done nothing else since it was asked, the sweep ends with that; what is left otherwise is
    asked for.
    """
    started, out_of_time, sweep = time.monotonic(), False, _Sweep(limit)
    try:
        while not out_of_time and sweep.go_on():
            out_of_time = is_over(started=started)
        # Others may go on while this one waits for the last answers.
        if not sweep.is_away():
            nudge_for_rest(TASK, tried=sweep.tried, limit=limit, out_of_time=out_of_time)
        while sweep.is_waiting():
            sweep.handle_answered()
    finally:
        sweep.end()
    return sweep.tried


class _Sweep:
    """What one sweep is at."""

    def __init__(self, limit: int) -> None:
        self.tried = 0
        self._limit = limit
        self._asking: Asking[StripeEvent] = Asking()
        # When Stripe last did something for us, and when that was asked which it last didn't do.
        self._heard_at = self._failed_at = -math.inf
        self._is_kept_waiting = False

    def go_on(self) -> bool:
        """Claim what is due, ask about it, and handle what is answered; returns whether there was
        something to do."""
        begun, events = time.monotonic(), self._claim()
        self.tried += len(events)
        # All calls of an event together end well before its claim does.
        with deadline(seconds=patience()):
            unasked = self._ask(events)
            is_waiting = self.is_waiting()
            self.handle_answered()
            outcomes = {attempt(event, work=_handle, failed=_try_later) for event in unasked}
            self._note(outcomes, begun)
        return bool(events) or is_waiting

    def is_waiting(self) -> bool:
        """Whether some of what was asked isn't answered."""
        return self._asking.count_rows() > 0

    def is_away(self) -> bool:
        """Whether Stripe did nothing for us since we asked for what it didn't do."""
        return self._failed_at > self._heard_at

    def end(self) -> None:
        """Leave what isn't answered."""
        self._asking.end()

    def handle_answered(self) -> None:
        """Handle the events whose answers are there, or whose time is up."""
        with self._asking.answered() as group:
            self._is_kept_waiting = not group and self.is_waiting()
            questions = {
                event.id: asked.question
                for asked in group if asked.is_answered for event in asked.rows
            }  # fmt: skip
            due = [event for asked in group for event in asked.rows if event.id in questions]
            left = {event.id for event in settle_together(events=due, questions=questions)}
            outcomes = {Outcome.ANSWERED} if len(left) < len(due) else set()
            for asked in group:
                # Their time began with their claim.
                with deadline(seconds=asked.ends_at - time.monotonic()):
                    outcomes |= {
                        attempt(event, work=_handle, failed=_try_later)
                        for event in asked.rows if event.id in left or event.id not in questions
                    }  # fmt: skip
            self._note(outcomes, min((asked.asked_at for asked in group), default=0.0))

    def _claim(self) -> list[StripeEvent]:
        if self.is_away():
            return []
        # Whoever is kept waiting mustn't keep anybody else so, be it that the limit is reached.
        room = TOGETHER if self._is_kept_waiting else self._limit - self.tried
        room = min(room, TOGETHER - self._asking.count_rows())
        return _claim(limit=room) if room > 0 else []

    def _ask(self, events: Sequence[StripeEvent]) -> list[StripeEvent]:
        """Ask about these; returns those about which nothing can be asked ahead."""
        known = _payments_charged(events)
        if told := [event for event in events if _tells_nothing(event, known)]:
            _mark_handled(told)
            log_handled(told)
            events = [event for event in events if event not in told]
        questions = questions_of(events, known=known)
        by_question: dict[Question, list[StripeEvent]] = {}
        for event in events:
            if event.id in questions:
                by_question.setdefault(questions[event.id], []).append(event)
        self._asking.ask(by_question)
        return [event for event in events if event.id not in questions]

    def _note(self, outcomes: set[Outcome], asked_at: float) -> None:
        if Outcome.ANSWERED in outcomes:
            self._heard_at = time.monotonic()
        elif outcomes:
            self._failed_at = max(self._failed_at, asked_at)


def _payments_charged(events: Sequence[StripeEvent]) -> dict[str, Payment]:
    """Return by charge the payments whose charges these events tell of, as far as we know them."""
    charges = [event.object_id for event in events if event.type == CHARGE_UPDATED]
    payments = Payment.objects.filter(stripe_charge_id__in=charges) if charges else []
    return {payment.stripe_charge_id: payment for payment in payments}


def _tells_nothing(event: StripeEvent, known: Mapping[str, Payment]) -> bool:
    return (
        event.type == CHARGE_UPDATED
        and (payment := known.get(event.object_id)) is not None
        and has_fee(payment)
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
        _mark_handled([event])
    log_handled([event])


def _mark_handled(events: Sequence[StripeEvent]) -> None:
    ids = [event.id for event in events]
    StripeEvent.objects.filter(id__in=ids, status=StripeEvent.Status.RECEIVED).update(
        status=StripeEvent.Status.HANDLED, handled_at=timezone.now(), last_error=""
    )


def _look_up_charge(event: StripeEvent) -> Effect:
    """A charge changes when Stripe knows its fee, which is told with its intent."""
    known = Payment.objects.filter(stripe_charge_id=event.object_id).first()
    if known is not None and has_fee(known):
        return lambda: None
    intent_id = intent_of_charge(event, payment=known)
    if intent_id is None:
        raise NotOurs("There is no payment intent behind it")
    return lookups.look_up_intent(intent_id=intent_id)


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
    return payout_accounts.look_up_account(account_id=_owner_of(event))


def _look_up_bank_payout(event: StripeEvent) -> Effect:
    return bank_payouts.look_up_bank_payout(payout_id=event.object_id, account_id=_owner_of(event))


def _owner_of(event: StripeEvent) -> str:
    if (account_id := account_of(event)) is None:
        raise NotOurs("It is of no connected account")
    return account_id


def _look_up_transfer(event: StripeEvent) -> Effect:
    return payouts.look_up_transfer(transfer_id=event.object_id)


# What is handled (contract "Orders and payments"); every other type is stored and ignored.
_LOOK_UP: dict[str, Callable[[StripeEvent], Effect]] = {
    "payment_intent.succeeded": _look_up_intent,
    "payment_intent.payment_failed": _look_up_intent,
    "payment_intent.processing": _look_up_intent,
    "payment_intent.canceled": _look_up_intent,
    CHARGE_UPDATED: _look_up_charge,
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


def _claim(*, limit: int) -> list[StripeEvent]:
    """Claim what is due, oldest first. What only tells of a fee comes when nothing is due that
    somebody waits for."""
    return _claim_of(limit, of_charges=False) or _claim_of(limit, of_charges=True)


def _claim_of(limit: int, *, of_charges: bool) -> list[StripeEvent]:
    now = timezone.now()
    given = {
        "received": StripeEvent.Status.RECEIVED, "charge": CHARGE_UPDATED, "of_charges": of_charges,
        "now": now, "until": now + settings.LEASE, "limit": limit,
    }  # fmt: skip
    return list(StripeEvent.objects.raw(_CLAIM, given))


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
