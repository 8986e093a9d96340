"""Disputes: the bank takes the money back until it is decided, and so is the access."""

import uuid

from django.db import transaction
from django.utils import timezone

from core import outbox
from core.money import ZERO, from_minor, money_text
from enrollments import services as enrollment_services
from enrollments.services import Reason
from orders import services as order_services
from payments import ledger
from payments.errors import NotOursYet
from payments.events import DisputeClosed, DisputeOpened
from payments.models import Dispute, Payment
from payments.selectors import pays_its_order
from payments.services.access_reasons import explain_access
from payments.services.dispute_notes import settle_credit_notes
from payments.services.locking import lock_succeeded_payment
from payments.services.refunds import plan_refund
from payments.state import (
    CLOSED_DISPUTES,
    DISPUTE_MOVES,
    INQUIRIES,
    LOST_AT_FIRST,
    OPEN_DISPUTES,
    DisputeStatus,
    may_move,
)
from payments.stripe_gateway import DisputeFacts

# The bank has the money, for now or for good.
_TAKING = OPEN_DISPUTES | {DisputeStatus.LOST}


def sync_dispute(*, facts: DisputeFacts) -> None:
    """Bring our rows to what Stripe says of a dispute; idempotent, in any order of events, and what
    Stripe said before it went on changes nothing any more.

    An open one is a reason that suspends the enrolments which stand on the payment, a lost one
    takes them away, and one that is won, if on appeal, is none any more: whatever else holds
    access, such as staff's own decision, holds it still. An inquiry (`warning_…`) moves no money
    and suspends nothing, until it turns into a dispute, which has the same id at Stripe. The books
    and the buyer's credit notes follow the money. Raises NotOursYet, with nothing changed, when its
    payment isn't settled here.
    """
    status = DisputeStatus(facts.status)
    with transaction.atomic():
        payment = lock_succeeded_payment(intent_id=facts.intent_id)
        if payment is None:
            raise NotOursYet(dispute=facts.id, payment_intent=facts.intent_id)
        known = Dispute.objects.filter(stripe_dispute_id=facts.id).first()
        before = DisputeStatus(known.status) if known else None
        if before is not None and before != status and not may_move(before, status, DISPUTE_MOVES):
            return
        explain_access(order_id=payment.order_id)
        dispute = _write(known or Dispute(stripe_dispute_id=facts.id), payment, facts)
        if known is None and facts.currency != payment.currency:
            _show_other_currency(payment, facts)
        _book(dispute)
        if before != status:
            _follow(dispute, before)
        # The last lock: everybody's credit notes share the series.
        settle_credit_notes(payment=payment)


def align_access(*, payment: Payment) -> None:
    """Take away what stands on money that a lost dispute took, and let rest what an open one may
    take, each for its own reason. The caller holds the payment's lock."""
    taking = Dispute.objects.filter(payment=payment, status__in=_TAKING).order_by("id")
    for dispute in taking:
        hold = enrollment_services.suspend_enrollments
        if dispute.status == DisputeStatus.LOST:
            hold = enrollment_services.revoke_enrollments
        hold(enrollment_ids=_standing_on(payment), reason=Reason.of_dispute(dispute.id))


def _write(dispute: Dispute, payment: Payment, facts: DisputeFacts) -> Dispute:
    is_known = facts.currency == payment.currency
    dispute.payment = payment
    # Money of another currency isn't booked at its bare amount. The bank rarely disputes a part.
    dispute.amount = from_minor(facts.amount) if is_known else payment.amount
    dispute.currency = payment.currency
    dispute.reason = facts.reason
    dispute.status = facts.status
    dispute.opened_at = facts.opened_at
    dispute.evidence_due_at = facts.evidence_due_at
    if facts.fee is not None and is_known:
        dispute.fee_amount = from_minor(facts.fee)
    if facts.status not in CLOSED_DISPUTES:
        dispute.closed_at = None
    elif dispute.closed_at is None:
        dispute.closed_at = timezone.now()
    dispute.save()
    return dispute


def _show_other_currency(payment: Payment, facts: DisputeFacts) -> None:
    theirs = money_text(from_minor(facts.amount), facts.currency)
    words = f"Disputed for {theirs}: booked as the whole payment, without Stripe's fee"
    payment.needs_attention = words
    payment.save(update_fields=["needs_attention", "updated_at"])


def _book(dispute: Dispute) -> None:
    """Follow the money in the ledger: taken once, given back once, the fee as it becomes known."""
    if dispute.status not in INQUIRIES:
        ledger.post_dispute(dispute=dispute)
    if dispute.status == DisputeStatus.WON:
        ledger.post_dispute_won(dispute=dispute)


def _follow(dispute: Dispute, before: DisputeStatus | None) -> None:
    payment = dispute.payment
    begins = before is None or (before in INQUIRIES and dispute.status not in INQUIRIES)
    if begins or dispute.status == DisputeStatus.APPEAL_NEEDS_RESPONSE:
        outbox.record(DisputeOpened(dispute_id=dispute.id, order_id=payment.order_id))
    align_access(payment=payment)
    if dispute.status == DisputeStatus.WON:
        _give_access_back(dispute, was_lost=before in LOST_AT_FIRST)
    if dispute.status in CLOSED_DISPUTES:
        won = dispute.status != DisputeStatus.LOST
        outbox.record(DisputeClosed(dispute_id=dispute.id, order_id=payment.order_id, won=won))


def _give_access_back(dispute: Dispute, *, was_lost: bool) -> None:
    """End this dispute's own reason: what another dispute, a refund or staff hold stays so."""
    payment = dispute.payment
    is_taken = Dispute.objects.filter(payment=payment, status__in=_TAKING).exists()
    if was_lost and not is_taken and pays_its_order(payment=payment):
        _return_bought_again(payment)
    # Whatever it holds is of this order, and locked in key order by now.
    _standing_on(payment)
    enrollment_services.lift_reason(reason=Reason.of_dispute(dispute.id))


def _return_bought_again(payment: Payment) -> None:
    """Give back the money of courses that the buyer has bought again while it was lost."""
    lines = order_services.cancel_bought_again(order_id=payment.order_id)
    owed = {item_id: amount for item_id, amount in lines.items() if amount > 0}
    left = payment.amount - payment.refunding_amount
    if sum(owed.values(), ZERO) <= left:
        if owed:
            plan_refund(payment=payment, reason="already_owned", lines=owed)
        return
    # Something went back without a line's name: what is left has none either.
    payment.needs_attention = "Won on appeal, but some courses were bought again meanwhile"
    payment.save(update_fields=["needs_attention", "updated_at"])
    if left > 0:
        plan_refund(payment=payment, reason="already_owned", amount=left)


def _standing_on(payment: Payment) -> list[uuid.UUID]:
    """Return the enrolments that stand on this payment's money: none of a payment that isn't its
    order's (one too many, on its way back), none of a line refunded since, none that was bought
    again with other money."""
    if not pays_its_order(payment=payment):
        return []
    return order_services.list_standing_enrollments(order_id=payment.order_id)
