"""The one function that turns money at Stripe into completed orders.

The webhook, confirm-payment, reconciliation and expiry all come here; whoever comes second finds it
done. Locks are taken payments first, in key order, then carts and orders (inside
`orders.services.mark_all_paid`). One payment is a batch of one.
"""

import logging
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from django.db import transaction
from django.utils import timezone

from core.bulk import update_each
from core.money import from_minor
from orders import selectors as order_selectors
from orders import services as order_services
from payments import ledger
from payments.models import Payment
from payments.services.locking import lock_payments_of
from payments.services.progress import is_old_news, note_failure, tell_failure, tell_order
from payments.services.taking import Taken, take_money
from payments.state import PROCESSING, move_payment
from payments.stripe_gateway import IntentFacts

logger = logging.getLogger(__name__)

State = Literal["succeeded", "refunding", "canceled", "open", "unknown"]
_FOLLOWED: Final = (
    "status", "stripe_status", "stripe_charge_id", "failed_charge_id", "last_error_code",
    "last_error_message", "amount", "currency", "succeeded_at", "fee_amount", "updated_at",
)  # fmt: skip


class NotTogether(Exception):
    """One of several payments isn't a plain purchase: each is to be settled for itself."""


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
    settled = settle_all(intents=[intent])
    if intent.id not in settled:
        logger.warning("payment intent %s belongs to no order of ours", intent.id)
        return Settlement(state="unknown", stripe_status=intent.status)
    return settled[intent.id]


def settle_all(*, intents: Sequence[IntentFacts]) -> dict[str, Settlement]:
    """Do for each of these intents what `settle` does for one, in one transaction, by statements
    whose number doesn't depend on how many they are; returns by intent where each stands.

    Several have to be `succeeded`, all of them, else NotTogether is raised. Of several, those that
    somebody else is at or that no payment is known of are left out; and whatever goes wrong with
    one undoes all. Whoever brings several settles for itself what wasn't settled with the others.
    """
    told = {intent.id: intent for intent in intents}
    if len(told) > 1 and any(intent.status != "succeeded" for intent in told.values()):
        raise NotTogether
    with transaction.atomic():
        payments = lock_payments_of(intents=told.values())
        taken = _follow(payments, told)
        states = _tell_states(payments, taken)
        order_services.finish_orders(order_ids=[one.order_id for one in taken if one.completed])
    return states


def forget_payment(*, payment_id: uuid.UUID) -> None:
    """Give up what may be paid and Stripe doesn't know (any more), in sight of staff; and of its
    buyer (DebitFailed), once, if its money was on its way."""
    rows = Payment.objects.select_for_update().exclude(status=Payment.Status.SUCCEEDED)
    with transaction.atomic():
        payment = rows.filter(id=payment_id).first()
        if payment is None or not payment.may_be_paid:
            return
        was_in_progress = payment.stripe_status == PROCESSING
        payment.status, payment.stripe_status = Payment.Status.FAILED, ""
        payment.needs_attention = "Stripe doesn't know this intent"
        payment.save()
        if was_in_progress:
            # Its charge isn't noted as failed: should Stripe know it after all, it is news again.
            tell_failure(payment=payment)
        tell_order(payment=payment, was_in_progress=was_in_progress)


def _follow(payments: Sequence[Payment], told: Mapping[str, IntentFacts]) -> list[Taken]:
    """Take into the locked rows what Stripe says of them; returns whose money came with it."""
    news = [payment for payment in payments if _is_news(payment, told[payment.stripe_payment_id])]
    was_in_progress = {one.id for one in news if one.stripe_status == PROCESSING}
    for payment in news:
        _note(payment, told[payment.stripe_payment_id])
    charged = [one for one in payments if _take_fee(one, told[one.stripe_payment_id])]
    changed = {payment.id: payment for payment in (*news, *charged)}
    for payment in changed.values():
        payment.updated_at = timezone.now()
    # Refunds that are planned below refer to the rows, so these have to say what they are by then.
    update_each(changed.values(), fields=_FOLLOWED)
    taken = take_money(
        payments=[payment for payment in news if payment.status == Payment.Status.SUCCEEDED]
    )
    if len(told) > 1 and any(one.is_pending for one in taken):
        # It may end another order, whose locks come before those that the others hold by now.
        raise NotTogether
    ledger.post_fees(payments=charged)
    for payment in news:
        tell_order(payment=payment, was_in_progress=payment.id in was_in_progress)
    return taken


def _is_news(payment: Payment, intent: IntentFacts) -> bool:
    is_settled = payment.status == Payment.Status.SUCCEEDED
    return not is_settled and not is_old_news(payment=payment, intent=intent)


def _note(payment: Payment, intent: IntentFacts) -> None:
    """Set, unsaved, what is told of the payment."""
    if payment.stripe_status == PROCESSING:
        note_failure(payment=payment, intent=intent)
    payment.stripe_status = intent.status
    payment.stripe_charge_id = intent.charge_id or payment.stripe_charge_id
    payment.last_error_code = intent.error_code[:100]
    payment.last_error_message = intent.error_message[:500]
    if intent.status == "succeeded" and move_payment(payment, Payment.Status.SUCCEEDED):
        payment.succeeded_at = timezone.now()
        payment.amount = from_minor(intent.amount_received)
        payment.currency = intent.currency
    elif intent.status == "canceled":
        move_payment(payment, Payment.Status.FAILED)


def _take_fee(payment: Payment, intent: IntentFacts) -> bool:
    """Set, unsaved, what Stripe kept, once Stripe says so: that is some seconds after the payment.
    Returns whether that is news."""
    is_settled = payment.status == Payment.Status.SUCCEEDED
    if not is_settled or payment.fee_amount is not None or intent.fee is None:
        return False
    payment.fee_amount = from_minor(intent.fee)
    return True


def _tell_states(payments: Collection[Payment], taken: Collection[Taken]) -> dict[str, Settlement]:
    """Return where each payment stands; of one whose money has just come, it is known."""
    stands = {one.payment_id: one.stands for one in taken}
    before = {
        payment.order_id
        for payment in payments
        if payment.status == Payment.Status.SUCCEEDED and payment.id not in stands
    }
    paying = order_selectors.list_paying_payments(order_ids=before) if before else {}
    for payment in payments:
        stands.setdefault(payment.id, paying.get(payment.order_id) == payment.stripe_payment_id)
    return {
        payment.stripe_payment_id: Settlement(
            state=_state_of(payment, stands[payment.id]), stripe_status=payment.stripe_status
        )
        for payment in payments
    }


def _state_of(payment: Payment, stands_for_its_order: bool) -> State:
    if payment.status == Payment.Status.SUCCEEDED:
        return "succeeded" if stands_for_its_order else "refunding"
    if payment.stripe_status == "canceled":
        return "canceled"
    return "open"
