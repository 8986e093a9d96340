"""What Stripe says of a refund, and what that means here: for the payment, the order, the books."""

import datetime as dt
import uuid
from collections import defaultdict
from decimal import Decimal
from functools import partial

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from core import outbox
from core.ids import parse_id
from core.money import ZERO, from_minor
from orders import services as order_services
from payments import ledger
from payments.errors import NotOursYet, RefundOutOfTurn
from payments.events import RefundFailed, RefundSucceeded
from payments.models import Payment, Refund, RefundLine
from payments.selectors import pays_its_order
from payments.services.access_reasons import explain_access
from payments.services.booked_tax import find_booked_tax
from payments.services.dispute_notes import settle_credit_notes
from payments.services.disputes import align_access
from payments.services.locking import lock_succeeded_payment
from payments.services.refund_requests import answer_by_refund, is_promised
from payments.services.refund_shortages import (
    LACKS_BALANCE,
    may_go_again,
    plan_again,
    tell_end_of_shortage,
    tell_shortage,
)
from payments.services.refunds import plan_refund, release, reserve
from payments.state import LIVE_REFUNDS, move_refund
from payments.stripe_gateway import RefundFacts

_FROM_STRIPE = {
    "pending": Refund.Status.PENDING,
    "requires_action": Refund.Status.PENDING,
    "succeeded": Refund.Status.SUCCEEDED,
    "failed": Refund.Status.FAILED,
    "canceled": Refund.Status.CANCELED,
}
_CHANGED = [
    "stripe_refund_id",
    "status",
    "applied_at",
    "undone_at",
    "failure_reason",
    "shortages",
    "next_attempt_at",
    "last_error",
    "updated_at",
]
# How soon a refund is looked at again that Stripe made and waits with.
WAITING_LOOK = dt.timedelta(hours=1)
_SHORT = "Stripe waits for more balance"


def sync_refund(*, facts: RefundFacts) -> None:
    """Bring our rows to what Stripe says of a refund, ours or one made at Stripe; idempotent, and
    what Stripe said before it ended (asked earlier, stored later) changes nothing any more.

    One that Stripe took is taken into the order and the books; one that fails afterwards is taken
    out again. One that Stripe made and waits with (for more of our balance, for the payment to
    settle, for the buyer to say where to) is still due: no money has gone. Should Stripe begin to
    wait for balance with one that it took, that is told and the refund counts as before; so is that
    it has gone then. One that fails for lack of balance is planned again, for in a day.

    Raises NotOursYet, with nothing changed, when its payment isn't settled here, and
    RefundOutOfTurn when there is no room for it: the news that makes room is still to come.
    """
    status = _FROM_STRIPE.get(facts.status, Refund.Status.PENDING)
    with transaction.atomic():
        payment = lock_succeeded_payment(intent_id=facts.intent_id)
        if payment is None:
            raise NotOursYet(refund=facts.id, payment_intent=facts.intent_id)
        refund = _find(payment, facts, status) or _take_over(payment, facts, status)
        refund.payment = payment
        refund.stripe_refund_id = facts.id
        before = (refund.applied_at, refund.undone_at)
        if facts.waits_for and refund.status == Refund.Status.DUE:
            refund.next_attempt_at = timezone.now() + WAITING_LOOK
            refund.last_error = f"Stripe waits: {facts.waits_for}"
            if facts.is_short:
                tell_shortage(payment=payment, refund=refund, words=_SHORT)
        elif facts.is_short and _is_believed(refund):
            tell_shortage(payment=payment, refund=refund, words=_SHORT)
        elif move_refund(refund, status):
            _follow(payment, refund, facts)
        refund.save(update_fields=_CHANGED)
        if before != (refund.applied_at, refund.undone_at):
            _settle_notes(payment, refund)


def _is_believed(refund: Refund) -> bool:
    """Whether the refund counts, and has for longer than an answer of Stripe's may be under way:
    what was asked before may be stored after, and what lasts is heard again."""
    return (
        refund.status == Refund.Status.PENDING
        and refund.applied_at is not None
        and refund.applied_at <= timezone.now() - settings.LEASE
    )


def _find(payment: Payment, facts: RefundFacts, status: Refund.Status) -> Refund | None:
    """Return our row for it, if there is one. A row that was given up here without Stripe's word is
    not it when Stripe made the refund all the same: that one's money has to be counted anew."""
    refunds = Refund.objects.filter(payment=payment)
    found = refunds.filter(stripe_refund_id=facts.id).first()
    own_id = parse_id(facts.refund_id)
    if found is not None or own_id is None:
        return found
    own = refunds.filter(id=own_id, stripe_refund_id=None).first()
    if own is not None and own.status not in LIVE_REFUNDS and status in LIVE_REFUNDS:
        return None
    return own


def _take_over(payment: Payment, facts: RefundFacts, status: Refund.Status) -> Refund:
    """Write down a refund that was made at Stripe. The payment's lock keeps two from making one
    each. What failed there before we heard of it reserves nothing, and staff see it."""
    amount = from_minor(facts.amount)
    refund = Refund(
        payment=payment,
        stripe_refund_id=facts.id,
        amount=amount,
        status=Refund.Status.DUE,
        reason="at_stripe",
        failure_reason=facts.failure_reason[:100],
        next_attempt_at=timezone.now(),
    )
    if status in LIVE_REFUNDS:
        _make_room(payment, amount, made=facts.id)
        reserve(payment=payment, amount=amount)
    else:
        refund.status = status
        _show_to_staff(payment, f"Refund {facts.id} {status}")
    refund.save()
    _give_back_the_rest(payment)
    return refund


def _give_back_the_rest(payment: Payment) -> None:
    """Money that stands for no order never stays here: what a refund made at Stripe leaves of it
    goes back, too, as the refund planned for all of it was canceled or refused."""
    left = payment.amount - payment.refunding_amount
    if left > 0 and not pays_its_order(payment=payment):
        planned = Refund.objects.filter(payment=payment).exclude(reason="at_stripe")
        reason = planned.order_by("created_at").values_list("reason", flat=True).first()
        plan_refund(payment=payment, reason=reason or "late_payment", amount=left)


def _make_room(payment: Payment, amount: Decimal, *, made: str) -> None:
    """Cancel refunds of ours that are still to be sent, newest first, as far as one made at Stripe
    leaves no room for them: Stripe would refuse them."""
    # One that Stripe has already, and waits with, isn't ours to cancel.
    due = Refund.objects.filter(payment=payment, status=Refund.Status.DUE, stripe_refund_id=None)
    for refund in due.order_by("-created_at", "-id"):
        if payment.amount - payment.refunding_amount >= amount:
            return
        move_refund(refund, Refund.Status.CANCELED)
        refund.failure_reason = "superseded"
        refund.save(update_fields=["status", "failure_reason", "updated_at"])
        release(payment=payment, amount=refund.amount)
        _show_to_staff(payment, f"Refund {made}, made at Stripe, left no room for ours")
    if payment.amount - payment.refunding_amount < amount:
        raise RefundOutOfTurn(refund=made)


def _follow(payment: Payment, refund: Refund, facts: RefundFacts) -> None:
    if refund.status in LIVE_REFUNDS:
        if refund.applied_at is None:
            _apply(payment, refund)
        else:
            tell_end_of_shortage(payment=payment, refund=refund)
        return
    release(payment=payment, amount=refund.amount)
    refund.failure_reason = facts.failure_reason[:100]
    lacks_balance = refund.status == Refund.Status.FAILED and facts.failure_reason in LACKS_BALANCE
    goes_again = lacks_balance and may_go_again(payment=payment, refund=refund)
    words = f"Refund {facts.id} {refund.status} {refund.failure_reason}".strip()
    if not goes_again:
        _show_to_staff(payment, words)
    was_applied = refund.applied_at is not None
    if was_applied:
        _undo(payment, refund, words)
    if goes_again:
        plan_again(payment=payment, refund=refund)
        return
    outbox.record(
        RefundFailed(
            refund_id=refund.id,
            order_id=payment.order_id,
            user_id=payment.order.user_id,
            was_applied=was_applied,
            was_promised=is_promised(refund=refund),
        )
    )


def _apply(payment: Payment, refund: Refund) -> None:
    """Take the refund into the books and the order, once. Money that never stood for the order is
    not its."""
    refund.applied_at = timezone.now()
    # From now on people believe that it goes: a shortage is news again.
    refund.shortages = 0
    ledger.post_refund(refund=refund)
    if pays_its_order(payment=payment):
        lines, rest = _shares_of(refund)
        order_services.apply_refund(
            order_id=payment.order_id, refund_id=refund.id, lines=lines, rest=rest
        )
        answer_by_refund(refund=refund, order_id=payment.order_id)
    user_id = payment.order.user_id
    outbox.record(RefundSucceeded(refund_id=refund.id, order_id=payment.order_id, user_id=user_id))


def _undo(payment: Payment, refund: Refund, words: str) -> None:
    """Take a refund out again, because it failed at the bank after all: the buyer has no money
    back, so the order stands as before. A dispute that came meanwhile still counts."""
    refund.undone_at = timezone.now()
    ledger.post_refund_failed(refund=refund)
    if not pays_its_order(payment=payment):
        return
    explain_access(order_id=payment.order_id)
    closed = order_services.undo_refund(
        order_id=payment.order_id,
        refund_id=refund.id,
        amount=refund.amount,
        still_back=_given_back_by_line(payment, but=refund),
    )
    if closed:
        _show_to_staff(payment, f"{words}; {len(closed)} courses not reopened")
    align_access(payment=payment)


def _settle_notes(payment: Payment, refund: Refund) -> None:
    """Credit a refund that was taken into its order, and what disputes took of what it left, or of
    one that was taken out again: the last act, as the series of notes is everybody's."""
    is_undone = refund.undone_at is not None
    credit_refund = None if is_undone else partial(_credit, payment, refund)
    settle_credit_notes(payment=payment, credit_refund=credit_refund)


def _credit(payment: Payment, refund: Refund) -> None:
    lines, rest = _shares_of(refund)
    order_services.issue_credit_note(
        order_id=payment.order_id,
        refund_id=refund.id,
        lines=lines,
        rest=rest,
        booked=find_booked_tax(refund=refund, named=lines),
    )


def _shares_of(refund: Refund) -> tuple[dict[uuid.UUID, Decimal], Decimal]:
    """Return what a refund gives back by line, and what of no certain one."""
    lines = {line.order_item_id: line.amount for line in refund.lines.all()}
    return lines, refund.amount - sum(lines.values(), ZERO)


def _given_back_by_line(payment: Payment, *, but: Refund) -> dict[uuid.UUID, Decimal]:
    lines = RefundLine.objects.filter(
        refund__payment=payment, refund__applied_at__isnull=False, refund__undone_at=None
    ).exclude(refund=but)
    back: dict[uuid.UUID, Decimal] = defaultdict(lambda: ZERO)
    for item_id, amount in lines.values_list("order_item_id", "amount"):
        back[item_id] += amount
    return dict(back)


def _show_to_staff(payment: Payment, words: str) -> None:
    payment.needs_attention = words[:200]
    payment.save(update_fields=["needs_attention", "updated_at"])
