"""Money going back: first a row that says so, then the call, then what it means for the order."""

import datetime as dt
import logging
import uuid
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from core import outbox
from core.ids import parse_id
from core.money import ZERO, from_minor, to_minor
from core.nudge import nudge
from core.outbox import back_off_delay
from orders import services as order_services
from orders.errors import RefundNotPossible
from payments import stripe_gateway
from payments.events import RefundSucceeded
from payments.models import Payment, Refund, RefundLine
from payments.selectors import pays_its_order
from payments.services.sweeping import sweep
from payments.stripe_gateway import RefundFacts, StripeNotFound, StripeRefused

logger = logging.getLogger(__name__)

# Longer than one call to Stripe takes, time-outs included.
CLAIM = dt.timedelta(seconds=60)
_FROM_STRIPE = {
    "pending": Refund.Status.PENDING,
    "requires_action": Refund.Status.PENDING,
    "succeeded": Refund.Status.SUCCEEDED,
    "failed": Refund.Status.FAILED,
    "canceled": Refund.Status.CANCELED,
}

_OVER = {Refund.Status.SUCCEEDED, Refund.Status.FAILED, Refund.Status.CANCELED}


def plan_refund(
    *,
    payment: Payment,
    reason: str,
    amount: Decimal | None = None,
    lines: dict[uuid.UUID, Decimal] | None = None,
    requested_by_id: uuid.UUID | None = None,
) -> Refund:
    """Write down that money is to go back, in the caller's transaction; a worker sends it.

    With `lines` (order item → amount) it is for those lines and their sum, else for `amount`.
    """
    lines = {item: part for item, part in (lines or {}).items() if part > 0}
    refund = Refund.objects.create(
        payment=payment,
        amount=sum(lines.values(), ZERO) if amount is None else amount,
        reason=reason,
        requested_by_id=requested_by_id,
        next_attempt_at=timezone.now(),
    )
    RefundLine.objects.bulk_create(
        RefundLine(refund=refund, order_item_id=item, amount=part) for item, part in lines.items()
    )
    transaction.on_commit(lambda: nudge("payments.tasks.send_due_refunds"))
    return refund


def send_due_refunds(*, limit: int = 20) -> int:
    """Ask Stripe for the refunds that are due; returns how many were tried.

    The idempotency key follows from the row: a worker killed between call and commit, or two
    workers at once, give the money back once.
    """
    return sweep(claim=_claim_next, work=_send, failed=_try_later, limit=limit)


def _send(refund: Refund) -> None:
    try:
        facts = stripe_gateway.create_refund(
            intent_id=refund.payment.stripe_payment_id,
            amount=to_minor(refund.amount),
            refund_id=str(refund.id),
            idempotency_key=f"refund-{refund.id}",
        )
    except StripeRefused as exc:
        logger.exception("Stripe refused refund %s", refund.id)
        _give_up(refund, code=exc.code, words=exc.message)
    except StripeNotFound as exc:
        logger.exception("Stripe doesn't know the payment of refund %s", refund.id)
        _give_up(refund, code="payment_unknown", words=str(exc))
    else:
        sync_refund(facts=facts)


def sync_refund(*, facts: RefundFacts) -> None:
    """Bring our rows to what Stripe says of a refund, ours or one made at Stripe; idempotent, and
    what Stripe said before it ended (asked earlier, stored later) changes nothing any more."""
    with transaction.atomic():
        payment = (
            Payment.objects.select_for_update().filter(stripe_payment_id=facts.intent_id).first()
        )
        if payment is None:
            logger.warning("refund %s is of no payment of ours", facts.id)
            return
        refund = _lock_refund(payment, facts)
        refund.stripe_refund_id = facts.id
        status = _FROM_STRIPE.get(facts.status, Refund.Status.PENDING)
        if refund.status in _OVER and status == Refund.Status.PENDING:
            return
        refund.status = status
        if refund.status in {Refund.Status.FAILED, Refund.Status.CANCELED}:
            payment.needs_attention = f"Refund {facts.id} {facts.status}"
            payment.save(update_fields=["needs_attention", "updated_at"])
        elif refund.applied_at is None:
            _apply(payment, refund)
        refund.save()


def _lock_refund(payment: Payment, facts: RefundFacts) -> Refund:
    """Return our row for it. The payment's lock, held by now, keeps two from making one each."""
    found = Refund.objects.filter(payment=payment, stripe_refund_id=facts.id).first()
    own_id = parse_id(facts.refund_id)
    if found is None and own_id is not None:
        found = Refund.objects.filter(payment=payment, id=own_id).first()
    if found is not None:
        return found
    return Refund.objects.create(
        payment=payment,
        stripe_refund_id=facts.id,
        amount=from_minor(facts.amount),
        status=Refund.Status.PENDING,
        reason="at_stripe",
        next_attempt_at=timezone.now(),
    )


def _apply(payment: Payment, refund: Refund) -> None:
    """Take the refund into the order, once. Money that never stood for the order is not its."""
    refund.applied_at = timezone.now()
    if pays_its_order(payment=payment):
        _apply_to_order(payment, refund)
    user_id = payment.order.user_id
    outbox.record(RefundSucceeded(refund_id=refund.id, order_id=payment.order_id, user_id=user_id))


def _apply_to_order(payment: Payment, refund: Refund) -> None:
    """Take the refund into the order. The money is back whether or not that fits (say, a refund
    made again after one that failed at the bank): then the row stays and staff is shown it."""
    lines = {line.order_item_id: line.amount for line in refund.lines.all()}
    try:
        order_services.apply_refund(
            order_id=payment.order_id,
            lines=lines,
            rest=refund.amount - sum(lines.values(), ZERO),
        )
    except RefundNotPossible as exc:
        words = f"Refund {refund.stripe_refund_id} does not fit the order: {exc.message}"
        payment.needs_attention = words[:200]
        payment.save(update_fields=["needs_attention", "updated_at"])


def _claim_next() -> Refund | None:
    now = timezone.now()
    with transaction.atomic():
        refund = (
            Refund.objects.select_for_update(skip_locked=True, of=("self",))
            .select_related("payment")
            .filter(status=Refund.Status.DUE, next_attempt_at__lte=now)
            .order_by("next_attempt_at")
            .first()
        )
        if refund is not None:
            refund.attempts += 1
            refund.next_attempt_at = now + CLAIM
            refund.save(update_fields=["attempts", "next_attempt_at", "updated_at"])
    return refund


def _try_later(refund: Refund, exc: Exception) -> None:
    Refund.objects.filter(id=refund.id, status=Refund.Status.DUE).update(
        next_attempt_at=timezone.now() + back_off_delay(attempts=refund.attempts),
        last_error=f"{type(exc).__name__}: {exc}"[:2000],
    )


def _give_up(refund: Refund, *, code: str, words: str) -> None:
    with transaction.atomic():
        # Payment before refund, as in `sync_refund`.
        Payment.objects.select_for_update().get(id=refund.payment_id)
        changed = Refund.objects.filter(id=refund.id, status=Refund.Status.DUE).update(
            status=Refund.Status.FAILED, last_error=f"{code}: {words}"[:2000]
        )
        if changed:
            Payment.objects.filter(id=refund.payment_id).update(
                needs_attention=f"Stripe refused a refund: {code}"[:200]
            )
