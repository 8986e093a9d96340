"""What a dispute means for the buyer's invoice: lost money is credited, as refunded money is."""

import logging
import uuid
from collections.abc import Callable, Collection

from django.db import transaction

from orders import selectors as order_selectors
from orders import services as order_services
from orders.services import LostMoney
from payments import loose_ends
from payments.ledger import holdings
from payments.models import Dispute, LooseEnd, Payment
from payments.selectors import pays_its_order
from payments.services.booked_tax import find_taken
from payments.state import DisputeStatus

logger = logging.getLogger(__name__)

AT_ONCE = 200


def settle_credit_notes(
    *, payment: Payment, credit_refund: Callable[[], object] | None = None
) -> None:
    """Bring the credit notes of the payment's disputes to where these stand: a lost one has one
    over what the ledger took of the order's lines for it, with the tax in it; one won on appeal
    none that counts. While an appeal goes on, what was credited stays so, as far as no refund
    takes it. What a refund takes, or comes back by it or another dispute, changes what a dispute
    took, so all are looked at.

    Nothing is credited for an inquiry, for money that stands for no order, nor for what was
    refunded, of which we may hear later: no line holds that any more. `credit_refund` issues a
    refund's note, before the disputes' and when those that say something else by now are void, so
    that all that count are together never over more than the invoice. The caller holds the
    payment's lock, and books first. Again it changes nothing.
    """
    if not pays_its_order(payment=payment):
        return
    disputes = list(Dispute.objects.filter(payment=payment).order_by("opened_at", "id"))
    ids = [dispute.id for dispute in disputes]
    credited = order_selectors.list_credited_disputes(dispute_ids=ids) if ids else set()
    lost: dict[uuid.UUID, dict[uuid.UUID, LostMoney]] = {}
    for dispute in disputes:
        if dispute.status == DisputeStatus.WON:
            order_services.void_lost_credit(dispute_id=dispute.id)
        elif dispute.status == DisputeStatus.LOST or dispute.id in credited:
            lost[dispute.id] = _list_lost(dispute)
            order_services.void_outdated_credit(dispute_id=dispute.id, lines=lost[dispute.id])
    if credit_refund is not None:
        credit_refund()
    for dispute_id, lines in lost.items():
        order_services.credit_lost_money(
            order_id=payment.order_id, dispute_id=dispute_id, lines=lines
        )


def settle_missing_notes(*, everything: bool = False) -> int:
    """Credit the lost disputes that have no note, and void the notes of won ones, such as those
    decided under a version that knew no such notes; returns how many were credited or void. The
    database noted which when they were decided; with `everything` all are looked at. One that
    can't be settled keeps nothing else from it."""
    if everything:
        loose_ends.note_all(kinds=[LooseEnd.Kind.NOTE])
    failed: set[uuid.UUID] = set()

    def settle(dispute_ids: list[uuid.UUID]) -> int:
        before = order_selectors.list_credited_disputes(dispute_ids=dispute_ids)
        for dispute in Dispute.objects.filter(id__in=dispute_ids).order_by("id"):
            try:
                _settle_one(dispute)
            except Exception:
                logger.exception("dispute %s can't be credited", dispute.id)
                failed.add(dispute.id)
        return len(before ^ order_selectors.list_credited_disputes(dispute_ids=dispute_ids))

    def keep(dispute_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
        # A lost one of which no line has anything to lose needs no note. What isn't booked yet
        # may be credited when it is.
        return (failed | loose_ends.find(LooseEnd.Kind.DISPUTE, dispute_ids)) & set(dispute_ids)

    return loose_ends.work_off(kind=LooseEnd.Kind.NOTE, work=settle, keep=keep, at_once=AT_ONCE)


@transaction.atomic
def _settle_one(dispute: Dispute) -> None:
    payment = Payment.objects.select_for_update().get(id=dispute.payment_id)
    settle_credit_notes(payment=payment)


def _list_lost(dispute: Dispute) -> dict[uuid.UUID, LostMoney]:
    """What no line had any more is the platform's loss, and is credited already."""
    return find_taken(payment=dispute.payment, parts=holdings.list_effect(cause=dispute))
