"""Asking Stripe how something stands, and what follows from the answer.

Each `look_up_…` calls Stripe, outside any transaction, or takes what was asked ahead, and returns
an effect: what brings our rows to the answer, to be run in the caller's transaction. Webhooks, the
poll and the comparison with Stripe all go through here, so that no two of them can come to
different ends.
"""

from collections.abc import Callable

from core.ids import parse_id
from payments import stripe_gateway
from payments.errors import NotOursYet
from payments.models import Payment
from payments.services.ahead import answer
from payments.services.disputes import sync_dispute
from payments.services.refund_sync import sync_refund
from payments.services.settlement import settle
from payments.stripe_facts import DisputeFacts, IntentFacts, RefundFacts

Effect = Callable[[], None]


def ask_intent(intent_id: str) -> IntentFacts:
    """Ask Stripe for an intent. Like the others below, this is no more than the call."""
    return stripe_gateway.retrieve_intent(intent_id=intent_id)


def ask_refund(stripe_refund_id: str) -> RefundFacts:
    """Ask Stripe for a refund."""
    return stripe_gateway.retrieve_refund(stripe_refund_id=stripe_refund_id)


def ask_refunds_of_charge(charge_id: str) -> list[RefundFacts]:
    """Ask Stripe for all refunds of a charge."""
    return stripe_gateway.list_refunds_of_charge(charge_id=charge_id)


def ask_dispute(stripe_dispute_id: str) -> DisputeFacts:
    """Ask Stripe for a dispute."""
    return stripe_gateway.retrieve_dispute(stripe_dispute_id=stripe_dispute_id)


class NotOurs(Exception):
    """The object has nothing to do with this product: the Stripe account serves others as well."""


def look_up_intent(*, intent_id: str) -> Effect:
    """Return what settles the intent. Raises NotOurs, StripeNotFound or PaymentsUnavailable; the
    effect raises NotOursYet when its order isn't here."""
    intent = answer(ask=ask_intent, object_id=intent_id)
    if not is_ours(intent=intent):
        raise NotOurs("The payment intent was not made for an order")
    return lambda: _settle(intent)


def look_up_refund(*, stripe_refund_id: str) -> Effect:
    """Return what takes the refund into account. Raises as `look_up_intent`."""
    facts = answer(ask=ask_refund, object_id=stripe_refund_id)
    return _after_payment(facts.intent_id, lambda: sync_refund(facts=facts))


def look_up_refunds_of_charge(*, charge_id: str) -> Effect:
    """Return what takes all refunds of a charge into account. Raises as `look_up_intent`."""
    refunds = answer(ask=ask_refunds_of_charge, object_id=charge_id)

    def apply() -> None:
        for facts in reversed(refunds):
            sync_refund(facts=facts)

    return _after_payment(refunds[0].intent_id, apply) if refunds else apply


def look_up_dispute(*, stripe_dispute_id: str) -> Effect:
    """Return what takes the dispute into account. Raises as `look_up_intent`."""
    facts = answer(ask=ask_dispute, object_id=stripe_dispute_id)
    return _after_payment(facts.intent_id, lambda: sync_dispute(facts=facts))


def is_ours(*, intent: IntentFacts) -> bool:
    """Return whether the intent was made for an order of this product, here by now or not."""
    known = Payment.objects.filter(stripe_payment_id=intent.id)
    return parse_id(intent.order_id) is not None or known.exists()


def _settle(intent: IntentFacts) -> None:
    if settle(intent=intent).state == "unknown":
        raise NotOursYet("The order of this payment is not known here")


def _after_payment(intent_id: str, effect: Effect) -> Effect:
    """What is refunded or disputed was paid. Should that be news to us, as its own event is late,
    it is settled first: the order would else be completed afterwards, with the money gone."""
    if not intent_id:
        raise NotOurs("There is no payment intent behind it")
    paid = Payment.objects.filter(stripe_payment_id=intent_id, status=Payment.Status.SUCCEEDED)
    if paid.exists():
        return effect
    settle_first = look_up_intent(intent_id=intent_id)

    def apply() -> None:
        settle_first()
        effect()

    return apply
