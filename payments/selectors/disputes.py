"""Reads of disputes."""

import datetime as dt
import uuid
from dataclasses import dataclass
from decimal import Decimal

from orders import selectors as order_selectors
from payments.models import Dispute
from payments.selectors.payments import pays_its_order
from payments.state import APPEALS, INQUIRIES


@dataclass(frozen=True, kw_only=True)
class DisputeDetails:
    """A dispute as people hear of it. Major units. `stands_for_order`: the courses of the order
    depend on its money, unlike that of a second payment. `is_partial`: it is over a part of it."""

    stripe_id: str
    order_id: uuid.UUID
    buyer_id: uuid.UUID | None
    stands_for_order: bool
    order_number: str
    amount: Decimal
    currency: str
    is_partial: bool
    reason: str
    status: str
    evidence_due_at: dt.datetime | None

    @property
    def is_inquiry(self) -> bool:
        """Whether the bank only asks, or asked; no money was moved."""
        return self.status in INQUIRIES

    @property
    def is_appeal(self) -> bool:
        """Whether it was lost and is looked at once more."""
        return self.status in APPEALS


def get_dispute_details(*, dispute_id: uuid.UUID) -> DisputeDetails:
    """Return what a mail about the dispute tells. Raises Dispute.DoesNotExist."""
    dispute = Dispute.objects.select_related("payment").get(id=dispute_id)
    order = order_selectors.get_order_for_payment(order_id=dispute.payment.order_id, user_id=None)
    return DisputeDetails(
        stripe_id=dispute.stripe_dispute_id,
        order_id=order.id,
        buyer_id=order.user_id,
        stands_for_order=pays_its_order(payment=dispute.payment),
        order_number=order.number,
        amount=dispute.amount,
        currency=dispute.currency,
        is_partial=dispute.currency == dispute.payment.currency
        and dispute.amount < dispute.payment.amount,
        reason=dispute.reason,
        status=dispute.status,
        evidence_due_at=dispute.evidence_due_at,
    )
