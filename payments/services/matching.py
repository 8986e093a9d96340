"""How what Stripe has is compared with what we have: payment intents, refunds, disputes."""

import datetime as dt
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Generic, TypeVar

from django.db import transaction
from django.db.models import Model, Q, QuerySet, Sum, Value
from django.db.models.functions import Coalesce

from core.ids import parse_id
from core.money import ZERO, from_minor
from payments import stripe_gateway
from payments.models import Dispute, Payment, ReconciliationDifference, Refund
from payments.services import lookups
from payments.services.exempt import is_looked_for
from payments.services.settlement import forget_payment
from payments.stripe_gateway import DisputeFacts, IntentFacts, Page, RefundFacts

Kind = ReconciliationDifference.Kind
_F = TypeVar("_F")

# Money that has come, or is on its way, as Stripe calls it.
_PAID = {"succeeded", "processing", "requires_capture"}
TOTALS = ("captured_here", "captured_there", "refunded_here", "refunded_there")
# Also one that Stripe waits with for lack of balance: it counts there.
_LIVE = Q(refunds__status__in=[Refund.Status.PENDING, Refund.Status.SUCCEEDED]) | Q(
    refunds__status=Refund.Status.DUE, refunds__stripe_refund_id__isnull=False
)


@dataclass(frozen=True, kw_only=True)
class Found:
    """One thing that differs. `ours` and `theirs` are for people to read. Of a refund that isn't
    here, `intent_id` says whose money it is. `concerns` names what else than the object it is
    about: ids, ours or Stripe's, and numbers. Whom it is about isn't paid meanwhile, unless it is
    no doubt of what they are owed (`holds`)."""

    kind: Kind
    ours: str
    theirs: str
    intent_id: str = ""
    concerns: tuple[str, ...] = ()
    holds: bool = True


@dataclass(frozen=True, kw_only=True)
class Subject(Generic[_F]):
    """A type of object at Stripe, and its way into our books.

    `list_page` and `ask` call Stripe; `heal` asks it and brings our rows to the answer; `load`
    returns our rows by Stripe's id; `differ` compares; `ids_made` are the Stripe ids of our rows
    that were made at Stripe from a time on, up to another. `counts` says whether it matters that
    Stripe doesn't know a row of ours, and `forget` gives the row up if that is all there is to do.
    """

    name: str
    list_page: Callable[..., Page[_F]]
    ask: Callable[[str], _F]
    heal: Callable[[str], None]
    load: Callable[[Collection[str]], Mapping[str, Any]]
    differ: Callable[[_F, Any], list[Found]]
    ids_made: Callable[[dt.datetime, dt.datetime | None], set[str]]
    counts: Callable[[Any], bool]
    forget: Callable[[Any], None]


def is_payment_here(*, intent_id: str) -> bool:
    """Return whether we have a payment of this intent, in whatever state."""
    return Payment.objects.filter(stripe_payment_id=intent_id).exists()


def _ask_intent(intent_id: str) -> IntentFacts:
    """Of money whose payment isn't here, what is refunded counts once the refund has succeeded: one
    that fails later, of long ago, would be in no list any more."""
    intent = stripe_gateway.retrieve_intent(intent_id=intent_id)
    if not intent.amount_refunded or is_payment_here(intent_id=intent_id):
        return intent
    refunds = stripe_gateway.list_refunds_of_charge(charge_id=intent.charge_id)
    back = sum(refund.amount for refund in refunds if refund.status == "succeeded")
    return replace(intent, amount_refunded=back)


def _heal_intent(intent_id: str) -> None:
    """Settle it, and take in its refunds: one of long ago may be what is missing."""
    effects = [lookups.look_up_intent(intent_id=intent_id)]
    charge_id = stripe_gateway.retrieve_intent(intent_id=intent_id).charge_id
    if charge_id:
        effects.append(lookups.look_up_refunds_of_charge(charge_id=charge_id))
    for effect in effects:
        with transaction.atomic():
            effect()


def _load_payments(ids: Collection[str]) -> dict[str, Payment]:
    refunded = Coalesce(Sum("refunds__amount", filter=_LIVE), Value(ZERO))
    rows = Payment.objects.filter(stripe_payment_id__in=ids).annotate(refunded=refunded)
    return {row.stripe_payment_id: row for row in rows}


def _differ_in_intent(theirs: IntentFacts, ours: Any) -> list[Found]:
    money = from_minor(theirs.amount_received if theirs.status == "succeeded" else theirs.amount)
    if ours is None:
        if not _is_unknown_money(theirs):
            return []
        told = f"{theirs.status}, {money} {theirs.currency}"
        if theirs.status == "succeeded":
            told += f"; {from_minor(_not_back(theirs))} not back yet"
        return [Found(kind=Kind.MISSING_HERE, ours="", theirs=told)]
    found = []
    if not _agree(ours.status, theirs.status):
        found.append(Found(kind=Kind.STATUS, ours=ours.status, theirs=theirs.status))
    if ours.status != Payment.Status.FAILED:
        found += unequal(kind=Kind.AMOUNT, ours=ours.amount, theirs=money)
        found += unequal(kind=Kind.CURRENCY, ours=ours.currency, theirs=theirs.currency)
    found += unequal(kind=Kind.ORDER, ours=str(ours.order_id), theirs=theirs.order_id)
    if ours.status == theirs.status == Payment.Status.SUCCEEDED and theirs.charge_id:
        found += unequal(kind=Kind.CHARGE, ours=ours.stripe_charge_id, theirs=theirs.charge_id)
    if theirs.amount_refunded is not None:
        found += unequal(
            kind=Kind.REFUNDED, ours=ours.refunded, theirs=from_minor(theirs.amount_refunded)
        )
    return found


def _is_unknown_money(intent: IntentFacts) -> bool:
    """Return whether an intent whose payment isn't here is money for an order of ours that nobody
    gave back: not before, and not since, as staff do with what can't be restored."""
    if intent.status not in _PAID or parse_id(intent.order_id) is None:
        return False
    return intent.status != "succeeded" or _not_back(intent) > 0


def _not_back(intent: IntentFacts) -> int:
    return intent.amount_received - (intent.amount_refunded or 0)


def _agree(ours: str, theirs: str) -> bool:
    """A payment given up here may still be open at Stripe, as long as nobody pays it."""
    if ours == Payment.Status.SUCCEEDED or theirs == "succeeded":
        return ours == theirs
    return ours == Payment.Status.FAILED or theirs != "canceled"


def _payments_made(since: dt.datetime, until: dt.datetime | None) -> set[str]:
    rows = Payment.objects.exclude(status=Payment.Status.FAILED).filter(is_looked_for())
    return ids_of(
        Q(created_at__gte=since),
        made_before(field="created_at", until=until),
        rows=rows,
        field="stripe_payment_id",
    )


def _does_payment_count(ours: Payment) -> bool:
    return ours.status != Payment.Status.FAILED


def _forget_payment(ours: Payment) -> None:
    """Open ones only: money that came is never forgotten."""
    forget_payment(payment_id=ours.id)


def add_up(
    *, intents: Collection[IntentFacts], ours: Mapping[str, Payment]
) -> dict[str, dict[str, Decimal]]:
    """Return, by currency, what was captured and refunded of these intents: ours and theirs. What
    came for an order that isn't here counts as long as it isn't all back."""
    totals: dict[str, dict[str, Decimal]] = {}
    for intent in intents:
        payment = ours.get(intent.id)
        if intent.status == "succeeded" and (payment or _is_unknown_money(intent)):
            sums = totals.setdefault(intent.currency, dict.fromkeys(TOTALS, ZERO))
            sums["captured_there"] += from_minor(intent.amount_received)
            sums["refunded_there"] += from_minor(intent.amount_refunded or 0)
        if payment is not None and payment.status == Payment.Status.SUCCEEDED:
            sums = totals.setdefault(payment.currency, dict.fromkeys(TOTALS, ZERO))
            sums["captured_here"] += payment.amount
            sums["refunded_here"] += payment.refunded  # type: ignore[attr-defined]
    return totals


def _heal_refund(stripe_refund_id: str) -> None:
    effect = lookups.look_up_refund(stripe_refund_id=stripe_refund_id)
    with transaction.atomic():
        effect()


def _load_refunds(ids: Collection[str]) -> dict[str, Refund]:
    rows = Refund.objects.filter(stripe_refund_id__in=ids)
    return {str(row.stripe_refund_id): row for row in rows}


def _differ_in_refund(theirs: RefundFacts, ours: Any) -> list[Found]:
    status = "pending" if theirs.status == "requires_action" else theirs.status
    if theirs.waits_for and ours is not None and ours.status == Refund.Status.DUE:
        status = Refund.Status.DUE.value
    amount = from_minor(theirs.amount)
    if ours is None:
        told = f"{status}, {amount}"
        return [
            Found(kind=Kind.MISSING_HERE, ours="", theirs=told, intent_id=theirs.intent_id),
        ]
    return unequal(kind=Kind.STATUS, ours=ours.status, theirs=status) + unequal(
        kind=Kind.AMOUNT, ours=ours.amount, theirs=amount
    )


def _refunds_made(since: dt.datetime, until: dt.datetime | None) -> set[str]:
    """Of older ones those that haven't ended, too, when the first page is looked at."""
    rows = Refund.objects.exclude(stripe_refund_id=None).filter(is_looked_for(through="payment__"))
    made = Q(created_at__gte=since)
    if until is None:
        made |= Q(status__in=[Refund.Status.DUE, Refund.Status.PENDING])
    by_then = made_before(field="created_at", until=until)
    return ids_of(made, by_then, rows=rows, field="stripe_refund_id")


def _heal_dispute(stripe_dispute_id: str) -> None:
    effect = lookups.look_up_dispute(stripe_dispute_id=stripe_dispute_id)
    with transaction.atomic():
        effect()


def _load_disputes(ids: Collection[str]) -> dict[str, Dispute]:
    rows = Dispute.objects.filter(stripe_dispute_id__in=ids)
    return {row.stripe_dispute_id: row for row in rows}


def _differ_in_dispute(theirs: DisputeFacts, ours: Any) -> list[Found]:
    amount = from_minor(theirs.amount)
    if ours is None:
        told = f"{theirs.status}, {amount} {theirs.currency}"
        return [Found(kind=Kind.MISSING_HERE, ours="", theirs=told)]
    found = (
        unequal(kind=Kind.STATUS, ours=ours.status, theirs=theirs.status)
        + unequal(kind=Kind.AMOUNT, ours=ours.amount, theirs=amount)
        + unequal(kind=Kind.CURRENCY, ours=ours.currency, theirs=theirs.currency)
    )
    if ours.currency == theirs.currency:
        return found
    # It is booked as the whole payment, and stays a difference for good.
    return [replace(one, holds=one.kind == Kind.STATUS) for one in found]


def _disputes_made(since: dt.datetime, until: dt.datetime | None) -> set[str]:
    """Of older ones those that are open, too, when the first page is looked at."""
    made = Q(opened_at__gte=since)
    if until is None:
        made |= Q(closed_at=None)
    by_then = made_before(field="opened_at", until=until)
    return ids_of(made, by_then, rows=Dispute.objects.all(), field="stripe_dispute_id")


def unequal(*, kind: Kind, ours: Decimal | str, theirs: Decimal | str) -> list[Found]:
    """Return what differs between two values, if they do."""
    return [] if ours == theirs else [Found(kind=kind, ours=str(ours), theirs=str(theirs))]


def made_before(*, field: str, until: dt.datetime | None) -> Q:
    """Return which rows were made by then; all where that isn't said."""
    return Q() if until is None else Q(**{f"{field}__lte": until})


def ids_of(*conditions: Q, rows: QuerySet[Any], field: str) -> set[str]:
    """Return a field of the rows that meet the conditions."""
    return set(rows.filter(*conditions).values_list(field, flat=True))


def _does_refund_count(ours: Refund) -> bool:
    return ours.status in {Refund.Status.PENDING, Refund.Status.SUCCEEDED}


def always(ours: Model) -> bool:
    """Whatever we have of it, it matters that Stripe doesn't know it."""
    return True


def keep(ours: Model) -> None:
    """Nothing to give up: staff decide."""


INTENTS = Subject[IntentFacts](
    name="payment_intent",
    list_page=stripe_gateway.list_intents,
    ask=_ask_intent,
    heal=_heal_intent,
    load=_load_payments,
    differ=_differ_in_intent,
    ids_made=_payments_made,
    counts=_does_payment_count,
    forget=_forget_payment,
)
REFUNDS = Subject[RefundFacts](
    name="refund",
    list_page=stripe_gateway.list_refunds,
    ask=lambda stripe_id: stripe_gateway.retrieve_refund(stripe_refund_id=stripe_id),
    heal=_heal_refund,
    load=_load_refunds,
    differ=_differ_in_refund,
    ids_made=_refunds_made,
    counts=_does_refund_count,
    forget=keep,
)
DISPUTES = Subject[DisputeFacts](
    name="dispute",
    list_page=stripe_gateway.list_disputes,
    ask=lambda stripe_id: stripe_gateway.retrieve_dispute(stripe_dispute_id=stripe_id),
    heal=_heal_dispute,
    load=_load_disputes,
    differ=_differ_in_dispute,
    ids_made=_disputes_made,
    counts=always,
    forget=keep,
)
SUBJECTS: tuple[Subject[Any], ...] = (INTENTS, REFUNDS, DISPUTES)
