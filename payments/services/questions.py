"""What Stripe has to be asked for an event to be handled: told before it is, so that those of many
events are asked at once."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from payments.models import Payment, StripeEvent
from payments.services import bank_payouts, lookups, payout_accounts, payouts
from payments.services.ahead import Question

# Tells of nothing but Stripe's fee, which nobody waits for.
CHARGE_UPDATED = "charge.updated"

_ASK: dict[str, Callable[[str], Any]] = {
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
    "account.updated": payout_accounts.ask_account,
    "transfer.reversed": payouts.ask_transfer,
}


def questions_of(
    events: Sequence[StripeEvent], *, known: Mapping[str, Payment]
) -> dict[str, Question]:
    """Return by event what it needs to know of Stripe, where that can be told beforehand. `known`
    has, by charge, the payments whose charges the events tell of."""
    questions = {event.id: _question_of(event, known) for event in events}
    return {key: question for key, question in questions.items() if question is not None}


def _question_of(event: StripeEvent, known: Mapping[str, Payment]) -> Question | None:
    if ask := _ASK.get(event.type):
        return Question(ask=ask, object_id=event.object_id)
    if event.type == CHARGE_UPDATED:
        intent_id = intent_of_charge(event, payment=known.get(event.object_id))
        return Question(ask=lookups.ask_intent, object_id=intent_id) if intent_id else None
    account_id = account_of(event)
    if account_id is None:
        return None
    if event.type == "account.application.deauthorized":
        return Question(ask=payout_accounts.ask_account, object_id=account_id)
    if event.type == "payout.failed":
        return Question(
            ask=bank_payouts.ask_bank_payout, object_id=event.object_id, account_id=account_id
        )
    return None


def intent_of_charge(event: StripeEvent, *, payment: Payment | None) -> str | None:
    """Return the intent that tells of a charge; None when there is nothing to ask."""
    if payment is not None:
        return payment.stripe_payment_id
    told = event.payload.get("data", {}).get("object", {}).get("payment_intent")
    return told if isinstance(told, str) else None


def has_fee(payment: Payment) -> bool:
    """Return whether nothing that a charge tells afterwards is news: what was paid is never
    changed, and its refunds and disputes have events of their own."""
    return payment.status == Payment.Status.SUCCEEDED and payment.fee_amount is not None


def account_of(event: StripeEvent) -> str | None:
    """Return the connected account that the event is of; None for one of our own."""
    told = event.payload.get("account")
    return told if isinstance(told, str) else None
