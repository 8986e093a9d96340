"""Disputes: the bank takes the money back until it is decided, and so is the access."""

import uuid

from django.db import transaction
from django.utils import timezone

from core import outbox
from core.money import from_minor
from enrollments import services as enrollment_services
from orders import selectors as order_selectors
from payments.events import DisputeClosed, DisputeOpened
from payments.models import Dispute, Payment
from payments.selectors import pays_its_order
from payments.stripe_gateway import DisputeFacts

_INQUIRY = "warning_"
_OVER = {"won", "lost", "warning_closed"}
_NOT_LOST = {"won", "warning_closed"}


def sync_dispute(*, facts: DisputeFacts) -> None:
    """Bring our rows to what Stripe says of a dispute; idempotent, in any order of events.

    An open one suspends the order's enrolments, a won one opens them again, a lost one leaves them
    suspended (contract). An inquiry (`warning_…`) moves no money and suspends nothing, until it
    turns into a dispute, which has the same id at Stripe.
    """
    with transaction.atomic():
        payment = (
            Payment.objects.select_for_update().filter(stripe_payment_id=facts.intent_id).first()
        )
        if payment is None:
            return
        dispute, is_new = Dispute.objects.get_or_create(
            stripe_dispute_id=facts.id, defaults=_fields(payment, facts)
        )
        if dispute.closed_at is not None:
            return
        was_inquiry = not is_new and dispute.status.startswith(_INQUIRY)
        dispute.status = facts.status
        dispute.closed_at = timezone.now() if facts.status in _OVER else None
        dispute.save()
        if is_new:
            outbox.record(DisputeOpened(dispute_id=dispute.id, order_id=payment.order_id))
        _follow(payment, dispute, begins=is_new or was_inquiry)


def _fields(payment: Payment, facts: DisputeFacts) -> dict[str, object]:
    return {
        "payment": payment,
        "amount": from_minor(facts.amount),
        "currency": facts.currency,
        "reason": facts.reason,
        "status": facts.status,
        "opened_at": facts.opened_at,
    }


def _follow(payment: Payment, dispute: Dispute, *, begins: bool) -> None:
    ids = _opened_by(payment)
    if begins and not dispute.status.startswith(_INQUIRY):
        enrollment_services.suspend_enrollments(enrollment_ids=ids)
    if dispute.closed_at is not None:
        won = dispute.status in _NOT_LOST
        if won:
            enrollment_services.resume_enrollments(enrollment_ids=ids)
        outbox.record(DisputeClosed(dispute_id=dispute.id, order_id=payment.order_id, won=won))


def _opened_by(payment: Payment) -> list[uuid.UUID]:
    """Return the enrolments that stand on this payment's money: none of a payment that isn't its
    order's (one too many, on its way back), none of a line refunded since, whose course may have
    been bought again with other money."""
    if not pays_its_order(payment=payment):
        return []
    return [
        line.enrollment_id
        for line in order_selectors.list_order_lines(order_id=payment.order_id)
        if line.enrollment_id is not None and line.state == "fulfilled"
    ]
