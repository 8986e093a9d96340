"""The payment's row lock, under which everything about its money is decided."""

import uuid
from collections.abc import Collection

from django.utils import timezone

from core.ids import parse_id
from core.money import from_minor
from orders import selectors as order_selectors
from orders.errors import OrderNotFound
from payments.models import Payment, first_check
from payments.stripe_facts import IntentFacts


def lock_succeeded_payment(*, intent_id: str) -> Payment | None:
    """Return the payment of this intent, locked until the caller's transaction ends; None when
    there is none, or its money hasn't come as far as is known here."""
    paid = Payment.objects.filter(stripe_payment_id=intent_id, status=Payment.Status.SUCCEEDED)
    return paid.select_for_update().first()


def lock_payments(*, payment_ids: Collection[uuid.UUID]) -> list[Payment]:
    """Return these payments with their orders, locked until the caller's transaction ends, in key
    order: what of them can be refunded stands still."""
    rows = Payment.objects.select_for_update(of=("self",)).select_related("order")
    return list(rows.filter(id__in=payment_ids).order_by("id"))


def lock_payments_of(*, intents: Collection[IntentFacts]) -> list[Payment]:
    """Return our rows of these intents, locked until the caller's transaction ends, in key order.

    A single one is waited for, and made from the order's id that the intent carries where it is
    missing, as Stripe can be faster than our own commit; there is none of no order of ours. Of
    several, those that are missing or that somebody else is at are left out: neither do the others
    wait for them, nor can two who make and lock many wait for each other.
    """
    are_many = len(intents) > 1
    rows = Payment.objects.select_for_update(skip_locked=are_many).filter(
        stripe_payment_id__in=[intent.id for intent in intents]
    )
    locked = list(rows.order_by("id"))
    if locked or are_many:
        return locked
    made = (_make_row(intent) for intent in intents)
    return [payment for payment in made if payment is not None]


def store_payment(*, order_id: uuid.UUID, intent: IntentFacts) -> Payment:
    """Return our row of the order's intent, made now or before, locked until the caller's
    transaction ends. One that is made is the order's open payment, unless that has another."""
    rows = Payment.objects.select_for_update().filter(stripe_payment_id=intent.id)
    _insert(order_id, intent, Payment.Status.PENDING)
    if (payment := rows.first()) is None:
        _insert(order_id, intent, Payment.Status.FAILED)
        payment = rows.get()
    return payment


def _make_row(intent: IntentFacts) -> Payment | None:
    order_id = parse_id(intent.order_id)
    if order_id is None or not _is_ours(order_id):
        return None
    return store_payment(order_id=order_id, intent=intent)


def _is_ours(order_id: uuid.UUID) -> bool:
    try:
        order_selectors.get_order_for_payment(order_id=order_id, user_id=None)
    except OrderNotFound:
        return False
    return True


def _insert(order_id: uuid.UUID, intent: IntentFacts, status: Payment.Status) -> None:
    row = Payment(
        order_id=order_id,
        stripe_payment_id=intent.id,
        amount=from_minor(intent.amount),
        currency=intent.currency,
        status=status,
        stripe_status=intent.status,
        next_check_at=timezone.now() + first_check(),
    )
    Payment.objects.bulk_create([row], ignore_conflicts=True)
