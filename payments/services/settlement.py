"""The one function that turns money at Stripe into a completed order.

The webhook, confirm-payment and reconciliation all call `settle`; whoever comes second finds it
done. Locks are taken payment first, then order (inside `orders.services.mark_paid`).
"""

import logging
import uuid
from dataclasses import dataclass
from typing import Literal

from django.db import transaction
from django.utils import timezone

from core import outbox
from core.ids import parse_id
from core.money import from_minor
from orders import selectors as order_selectors
from orders import services as order_services
from orders.errors import OrderNotFound
from orders.services import PaidOutcome
from payments import ledger
from payments.events import PaymentNeedsAttention
from payments.models import Payment, first_check
from payments.selectors import pays_its_order
from payments.services.progress import is_old_news, note_failure, tell_order
from payments.services.refunds import plan_refund
from payments.state import PROCESSING, move_payment
from payments.stripe_gateway import IntentFacts

logger = logging.getLogger(__name__)

State = Literal["succeeded", "refunding", "canceled", "open", "unknown"]


@dataclass(frozen=True, kw_only=True)
class Settlement:
    """Where a payment stands now.

    `succeeded`: the order is completed by this payment. `refunding`: the money came and is going
    back. `canceled`: the intent is dead. `open`: not paid yet (`stripe_status` says how far).
    `unknown`: the intent is none of ours.
    """

    state: State
    stripe_status: str


def settle(*, intent: IntentFacts) -> Settlement:
    """Bring our rows to what Stripe says of the intent, in one transaction; may be called any
    number of times, at once and in any order. A failure never overwrites a success."""
    with transaction.atomic():
        payment = _lock_payment(intent)
        if payment is None:
            logger.warning("payment intent %s belongs to no order of ours", intent.id)
            return Settlement(state="unknown", stripe_status=intent.status)
        completed = False
        if payment.status != Payment.Status.SUCCEEDED:
            completed = _follow(payment, intent)
        if payment.status == Payment.Status.SUCCEEDED:
            _take_fee(payment, intent)
        settlement = Settlement(state=_state_of(payment), stripe_status=payment.stripe_status)
        if completed:
            order_services.issue_invoice(order_id=payment.order_id)
        return settlement


def forget_payment(*, payment_id: uuid.UUID) -> None:
    """Give up an open payment whose intent Stripe doesn't know (any more), in sight of staff."""
    rows = Payment.objects.select_for_update().exclude(status=Payment.Status.SUCCEEDED)
    with transaction.atomic():
        payment = rows.filter(id=payment_id).first()
        if payment is None or not _may_be_paid(payment):
            return
        was_in_progress = payment.stripe_status == PROCESSING
        payment.status, payment.stripe_status = Payment.Status.FAILED, ""
        payment.needs_attention = "Stripe doesn't know this intent"
        payment.save()
        tell_order(payment=payment, was_in_progress=was_in_progress)


def _may_be_paid(payment: Payment) -> bool:
    return payment.status == Payment.Status.PENDING or payment.stripe_status == PROCESSING


def _lock_payment(intent: IntentFacts) -> Payment | None:
    """Return our locked row. Stripe can be faster than our own commit, so a missing row is made
    from the order's id that the intent carries."""
    rows = Payment.objects.select_for_update().filter(stripe_payment_id=intent.id)
    payment = rows.first()
    if payment is not None:
        return payment
    order_id = parse_id(intent.order_id)
    if order_id is None or not _is_ours(order_id):
        return None
    # Open, unless the order has another open payment already: only one is allowed.
    for status in (Payment.Status.PENDING, Payment.Status.FAILED):
        Payment.objects.bulk_create([_new_row(order_id, intent, status)], ignore_conflicts=True)
        payment = rows.first()
        if payment is not None:
            break
    return payment


def _is_ours(order_id: uuid.UUID) -> bool:
    try:
        order_selectors.get_order_for_payment(order_id=order_id, user_id=None)
    except OrderNotFound:
        return False
    return True


def _new_row(order_id: uuid.UUID, intent: IntentFacts, status: Payment.Status) -> Payment:
    return Payment(
        order_id=order_id,
        stripe_payment_id=intent.id,
        amount=from_minor(intent.amount),
        currency=intent.currency,
        status=status,
        stripe_status=intent.status,
        next_check_at=timezone.now() + first_check(),
    )


def _follow(payment: Payment, intent: IntentFacts) -> bool:
    """Return whether this completed the order."""
    if is_old_news(payment=payment, intent=intent):
        return False
    was_in_progress = payment.stripe_status == PROCESSING
    if was_in_progress:
        note_failure(payment=payment, intent=intent)
    payment.stripe_status = intent.status
    payment.stripe_charge_id = intent.charge_id or payment.stripe_charge_id
    payment.last_error_code = intent.error_code[:100]
    payment.last_error_message = intent.error_message[:500]
    completed = False
    if intent.status == "succeeded" and move_payment(payment, Payment.Status.SUCCEEDED):
        completed = _take_money(payment, intent)
    elif intent.status == "canceled":
        move_payment(payment, Payment.Status.FAILED)
    payment.save()
    tell_order(payment=payment, was_in_progress=was_in_progress)
    return completed


def _take_money(payment: Payment, intent: IntentFacts) -> bool:
    payment.succeeded_at = timezone.now()
    payment.amount = from_minor(intent.amount_received)
    payment.currency = intent.currency
    # Refunds planned below refer to the row, so it has to say what it is by then.
    payment.save()
    outcome = order_services.mark_paid(
        order_id=payment.order_id,
        payment_id=payment.stripe_payment_id,
        transaction_id=payment.stripe_charge_id,
        amount=payment.amount,
        currency=payment.currency,
    )
    if outcome.kind == "amount_mismatch":
        order_services.end_progress(order_id=payment.order_id, is_final=True)
    _book(payment, outcome)
    _return_what_cannot_stay(payment, outcome)
    return outcome.kind == "completed"


def _take_fee(payment: Payment, intent: IntentFacts) -> None:
    """Book what Stripe kept, once Stripe says so: that is some seconds after the payment."""
    if payment.fee_amount is None and intent.fee is not None:
        payment.fee_amount = from_minor(intent.fee)
        payment.save(update_fields=["fee_amount", "updated_at"])
        ledger.post_fee(payment=payment)


def _book(payment: Payment, outcome: PaidOutcome) -> None:
    """Write the money down: as a sale where it stands for the order, else as the buyer's."""
    if outcome.same_payment:
        ledger.post_sale(
            payment=payment,
            lines=order_selectors.list_order_lines(order_id=payment.order_id),
            owned_item_ids=outcome.already_owned_item_ids,
        )
    else:
        ledger.post_undue_payment(payment=payment)


def _return_what_cannot_stay(payment: Payment, outcome: PaidOutcome) -> None:
    if outcome.kind == "completed":
        _give_back_owned_lines(payment, set(outcome.already_owned_item_ids))
    elif outcome.kind == "already_completed":
        if not outcome.same_payment:
            _give_all_back(payment, "duplicate_payment", "The order was already paid")
    elif outcome.kind == "order_closed":
        _give_all_back(payment, "late_payment", "The order was closed when the money came")
    else:
        _give_all_back(payment, "amount_mismatch", "Amount or currency differ from the order")


def _give_back_owned_lines(payment: Payment, item_ids: set[uuid.UUID]) -> None:
    lines = {
        line.id: line.paid_amount
        for line in order_selectors.list_order_lines(order_id=payment.order_id)
        if line.id in item_ids and line.paid_amount > 0
    }
    if lines:
        plan_refund(payment=payment, reason="already_owned", lines=lines)


def _give_all_back(payment: Payment, reason: str, words: str) -> None:
    payment.needs_attention = words
    plan_refund(payment=payment, reason=reason, amount=payment.amount)
    outbox.record(
        PaymentNeedsAttention(payment_id=payment.id, order_id=payment.order_id, reason=reason)
    )


def _state_of(payment: Payment) -> State:
    if payment.status == Payment.Status.SUCCEEDED:
        return "succeeded" if pays_its_order(payment=payment) else "refunding"
    if payment.stripe_status == "canceled":
        return "canceled"
    return "open"
