"""How transfers to instructors are compared with our payouts."""

import datetime as dt
from collections.abc import Collection
from typing import Any

from django.db import transaction

from core.ids import parse_id
from core.money import from_minor
from payments import stripe_connect
from payments.models import Payout, ReconciliationDifference
from payments.selectors.payouts import with_returned
from payments.services.matching import Found, Subject, always, ids_of, keep, made_before, unequal
from payments.services.payout_accounts import are_payouts_enabled
from payments.services.payouts import get_destination, look_up_transfer
from payments.stripe_connect import TransferFacts
from payments.stripe_gateway import Page

Kind = ReconciliationDifference.Kind


def _list_page(*, since: dt.datetime, after: str = "") -> Page[TransferFacts]:
    """Where instructors aren't paid by Connect, our key may not look at transfers."""
    if not are_payouts_enabled():
        return Page(items=[], after="", oldest=None)
    return stripe_connect.list_transfers(since=since, after=after)


def _heal(transfer_id: str) -> None:
    effect = look_up_transfer(transfer_id=transfer_id)
    with transaction.atomic():
        effect()


def _load(ids: Collection[str]) -> dict[str, Payout]:
    payouts = Payout.objects.filter(stripe_transfer_id__in=ids).select_related("account")
    rows = with_returned(payouts)
    return {str(row.stripe_transfer_id): row for row in rows}


def _differ(theirs: TransferFacts, ours: Any) -> list[Found]:
    if ours is None:
        return _differ_from_unheard(theirs)
    amount, back = from_minor(theirs.amount), from_minor(theirs.amount_reversed)
    status = Payout.Status.FAILED if back == amount else Payout.Status.PAID
    return (
        unequal(kind=Kind.STATUS, ours=ours.status, theirs=status)
        + unequal(kind=Kind.AMOUNT, ours=ours.amount, theirs=amount)
        + unequal(kind=Kind.CURRENCY, ours=ours.currency, theirs=theirs.currency)
        + unequal(kind=Kind.REFUNDED, ours=ours.returned_amount, theirs=back)
        + unequal(kind=Kind.DESTINATION, ours=get_destination(ours), theirs=theirs.destination)
    )


def _differ_from_unheard(theirs: TransferFacts) -> list[Found]:
    """A transfer that no payout of ours has yet: of one that hasn't heard of it, or of none. One
    that somebody made by hand, or took back as a whole, is no payout."""
    payout_id, money = parse_id(theirs.payout_id), theirs.amount - theirs.amount_reversed
    if payout_id is None or money == 0:
        return []
    told = f"made, {from_minor(money)} {theirs.currency}"
    status = Payout.objects.filter(id=payout_id).values_list("status", flat=True).first()
    # Whoever got it would get it once more.
    concerns = (str(payout_id), theirs.destination)
    if status is None:
        return [Found(kind=Kind.MISSING_HERE, ours="", theirs=told, concerns=concerns)]
    return [Found(kind=Kind.STATUS, ours=status, theirs=told, concerns=concerns)]


def _made(since: dt.datetime, until: dt.datetime | None) -> set[str]:
    if not are_payouts_enabled():
        return set()
    made = Payout.objects.exclude(stripe_transfer_id=None).filter(paid_at__gte=since)
    by_then = made_before(field="paid_at", until=until)
    return ids_of(by_then, rows=made, field="stripe_transfer_id")


TRANSFERS = Subject[TransferFacts](
    name="transfer",
    list_page=_list_page,
    ask=lambda transfer_id: stripe_connect.retrieve_transfer(transfer_id=transfer_id),
    heal=_heal,
    load=_load,
    differ=_differ,
    ids_made=_made,
    counts=always,
    forget=keep,
)
