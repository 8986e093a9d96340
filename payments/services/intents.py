"""Starting a payment and hearing from the buyer that it was made."""

import re
import time
import uuid
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from core.money import from_minor, to_minor
from orders import selectors as order_selectors
from orders import services as order_services
from orders.selectors import OrderForPayment
from payments import stripe_gateway
from payments.errors import InvalidPayment, OrderNotPayable, PaymentRefused
from payments.models import MAY_BE_PAID, Payment
from payments.services.locking import store_payment
from payments.services.settlement import forget_payment, settle
from payments.state import PROCESSING
from payments.stripe_gateway import (
    IntentFacts,
    StripeBusy,
    StripeLater,
    StripeNotFound,
    StripeRefused,
)
from payments.stripe_patience import deadline, time_left

# Seconds between attempts while the same Idempotency-Key is being worked on.
_PATIENCE = (0.1, 0.2, 0.4, 0.8)
# "Don't report more detailed information to your customer": Stripe's docs, "Decline codes".
_NOT_FOR_THIEVES = frozenset({"fraudulent", "lost_card", "merchant_blacklist", "stolen_card"})
# Money is on its way by such an intent, or has come: there is nothing to pay.
_MOVING = (PROCESSING, "succeeded")
# How often the order's intent is looked for when another one turns out to be paid meanwhile.
_LOOKS = 3
_INTENT_ID = re.compile(r"pi_[A-Za-z0-9_]{1,250}")


class _PaidByAnother(Exception):
    """Money of the order is on its way by another of its intents."""


@dataclass(frozen=True, kw_only=True)
class PaymentIntent:
    """What the SPA needs to let the buyer pay. `amount` in minor units (plan 4.6)."""

    payment_intent_id: str
    client_secret: str
    publishable_key: str
    amount: int
    currency: str
    # Stripe's word for how far it is, such as `requires_payment_method` or `processing`.
    status: str
    created: bool


@dataclass(frozen=True, kw_only=True)
class Confirmation:
    """Where the payment stands: `succeeded`, or Stripe's word for what is missing."""

    order_id: uuid.UUID
    status: str
    error_code: str
    error_message: str


def create_payment_intent(*, order_id: uuid.UUID, user_id: uuid.UUID) -> PaymentIntent:
    """Return the order's payment intent, made now or before. Amount and currency are the order's.
    While money of the order is on its way it is the intent that moves it, whichever that is: then
    there is nothing to pay, and nobody gets another one's secret.

    Raises OrderNotFound, OrderNotPayable, PaymentsUnavailable or PaymentRefused. The key of the
    call follows from the order and the attempt: twice, at once or after a crash, it is one intent.
    """
    with deadline(seconds=settings.STRIPE_DEADLINE_SECONDS):
        return _find_or_create_intent(order_id=order_id, user_id=user_id)


def find_payment_intent(
    *, order_id: uuid.UUID, user_id: uuid.UUID, payment_intent_id: str
) -> PaymentIntent | None:
    """Return the intent that was made for the order, as it stands by now, as long as
    `create_payment_intent` would return just this one; else None. Its secret is asked of Stripe
    each time: we store it nowhere. Raises OrderNotFound or PaymentsUnavailable."""
    order = order_selectors.get_order_for_payment(order_id=order_id, user_id=user_id)
    try:
        with deadline(seconds=settings.STRIPE_DEADLINE_SECONDS):
            usable = _find_usable(order)
    except OrderNotPayable:
        return None
    if usable is None or usable.id != payment_intent_id:
        return None
    return _answer(usable, created=False)


def _find_or_create_intent(*, order_id: uuid.UUID, user_id: uuid.UUID) -> PaymentIntent:
    order = order_selectors.get_order_for_payment(order_id=order_id, user_id=user_id)
    for _ in range(_LOOKS):
        usable = _find_usable(order)
        intent = usable or _create_at_stripe(order)
        if usable is not None and usable.status in _MOVING:
            return _answer(usable, created=False)
        try:
            is_new = _remember(order, intent)
        except _PaidByAnother:
            continue
        return _answer(intent, created=is_new and usable is None)
    raise StripeLater("Money of this order is on its way")


def _find_usable(order: OrderForPayment) -> IntentFacts | None:
    """Return the intent by which the order is being paid, whichever of its it is, else the one by
    which it can be; None where one has yet to be made. Raises OrderNotPayable."""
    if order.status != "pending":
        raise OrderNotPayable(order_status=order.status)
    rows = Payment.objects.filter(MAY_BE_PAID, order_id=order.id)
    known = rows.filter(Q(status=Payment.Status.PENDING) | Q(stripe_status=PROCESSING))
    open_one: IntentFacts | None = None
    for payment in known.order_by("created_at"):
        intent = _usable_intent(payment)
        if intent is not None and intent.status in _MOVING:
            return intent
        if payment.status == Payment.Status.PENDING:
            open_one = intent
    _require_something_to_open(order)
    return open_one


def _require_something_to_open(order: OrderForPayment) -> None:
    """Nobody is asked for money that is known to go back. Should its buyer pay all the same, by a
    secret they had before, or get the courses after this look, the settlement gives it back."""
    shut = order_selectors.list_shut_lines(order_id=order.id, user_id=order.user_id)
    if shut:
        raise OrderNotPayable(
            "Nothing in this order is left to be paid for", order_status=order.status, lines=shut
        )


def confirm_payment(
    *, order_id: uuid.UUID, user_id: uuid.UUID, payment_intent_id: str
) -> Confirmation:
    """Ask Stripe how the intent stands and settle if it succeeded; the client is not believed.

    Raises OrderNotFound, InvalidPayment (also for an unknown intent), OrderNotPayable when the
    money came too late and is going back, or PaymentsUnavailable.
    """
    order = order_selectors.get_order_for_payment(order_id=order_id, user_id=user_id)
    with deadline(seconds=settings.STRIPE_DEADLINE_SECONDS):
        intent = _look_up(payment_intent_id)
    if not _belongs(order, intent):
        raise InvalidPayment
    settlement = settle(intent=intent)
    if settlement.state == "refunding":
        if _matches(order, intent):
            raise OrderNotPayable("The payment came too late and is being refunded")
        raise InvalidPayment("The amount paid is not the order's; it is being refunded")
    return Confirmation(
        order_id=order.id,
        status="succeeded" if settlement.state == "succeeded" else intent.status,
        error_code=_tell(intent.error_code),
        error_message=intent.error_message,
    )


def _tell(error_code: str) -> str:
    """Return the reason of a decline as its buyer may know it; staff see the real one."""
    return "generic_decline" if error_code in _NOT_FOR_THIEVES else error_code


def _look_up(intent_id: str) -> IntentFacts:
    """Return the intent that a client names. What isn't shaped like an id never becomes part of an
    address at Stripe, where "." would be the list of all intents."""
    try:
        if _INTENT_ID.fullmatch(intent_id):
            return stripe_gateway.retrieve_intent(intent_id=intent_id)
    except (StripeNotFound, StripeRefused) as exc:
        raise InvalidPayment("No such payment", payment_intent_id=intent_id) from exc
    raise InvalidPayment("No such payment", payment_intent_id=intent_id[:255])


def _belongs(order: OrderForPayment, intent: IntentFacts) -> bool:
    """Whether the intent was made for this order. One that is paid with another amount still goes
    on to settlement, which gives the money back."""
    if intent.order_id != str(order.id):
        return False
    return intent.status == "succeeded" or _matches(order, intent)


def _matches(order: OrderForPayment, intent: IntentFacts) -> bool:
    amount = intent.amount_received if intent.status == "succeeded" else intent.amount
    return from_minor(amount) == order.total_amount and intent.currency == order.currency


def _usable_intent(payment: Payment) -> IntentFacts | None:
    """Return the payment's intent; None, with the payment closed, when it is cancelled or Stripe
    doesn't know it (the keys are another account's by now). One that is being paid, or was, is
    taken into the order at once, whatever became of Stripe's event."""
    try:
        intent = stripe_gateway.retrieve_intent(intent_id=payment.stripe_payment_id)
    except StripeNotFound:
        forget_payment(payment_id=payment.id)
        return None
    was_moving = payment.stripe_status == PROCESSING
    if was_moving or intent.status in _MOVING or intent.status == "canceled":
        settle(intent=intent)
    return None if intent.status == "canceled" else intent


def _create_at_stripe(order: OrderForPayment) -> IntentFacts:
    """Create the intent; while another request is at it with the same key, wait and ask again."""
    for pause in _PATIENCE:
        try:
            return _create_once(order)
        except StripeBusy:
            if time_left() <= pause:
                raise
            time.sleep(pause)
    return _create_once(order)


def _create_once(order: OrderForPayment) -> IntentFacts:
    over = Payment.objects.filter(order_id=order.id).exclude(status=Payment.Status.PENDING).count()
    try:
        return stripe_gateway.create_intent(
            amount=to_minor(order.total_amount),
            currency=order.currency,
            order_id=str(order.id),
            order_number=order.number,
            idempotency_key=f"order-{order.id}-intent-{over + 1}",
        )
    except StripeRefused as exc:
        raise PaymentRefused(exc.message, provider_code=exc.code) from exc


def _remember(order: OrderForPayment, intent: IntentFacts) -> bool:
    """Store the payment; False when another request (or the webhook) already did.

    The order's lock comes after the payment's row, as in a settlement. An order that was closed
    meanwhile is seen under it: nobody gets the intent's secret then, and reconciliation cancels it.
    So whoever closes an order, under its lock, sees every payment that somebody may make. Nor does
    anybody once another intent of the order is being paid (_PaidByAnother), which is noted under
    the same lock: they would pay twice.
    """
    with transaction.atomic():
        before = Payment.objects.filter(stripe_payment_id=intent.id).exists()
        store_payment(order_id=order.id, intent=intent)
        status = order_services.hold_order(order_id=order.id)
        others = Payment.objects.filter(MAY_BE_PAID, order_id=order.id, stripe_status=PROCESSING)
        is_paid_by_another = others.exclude(stripe_payment_id=intent.id).exists()
    if status == "failed":
        raise OrderNotPayable(order_status=status)
    if is_paid_by_another:
        raise _PaidByAnother
    return not before


def _answer(intent: IntentFacts, *, created: bool) -> PaymentIntent:
    return PaymentIntent(
        payment_intent_id=intent.id,
        client_secret=intent.client_secret,
        publishable_key=settings.STRIPE_PUBLIC_KEY,
        amount=intent.amount,
        currency=intent.currency,
        status=intent.status,
        created=created,
    )
