"""Reads of disputes."""

import datetime as dt
import uuid
from dataclasses import dataclass
from decimal import Decimal

from orders import selectors as order_selectors
from payments.models import Dispute


@dataclass(frozen=True, kw_only=True)
class DisputeDetails:
    """A dispute as staff hear of it. Major units."""

    stripe_id: str
    order_number: str
    amount: Decimal
    currency: str
    reason: str
    status: str
    evidence_due_at: dt.datetime | None


def get_dispute_details(*, dispute_id: uuid.UUID) -> DisputeDetails:
    """Return what a mail about the dispute tells. Raises Dispute.DoesNotExist."""
    dispute = Dispute.objects.select_related("payment").get(id=dispute_id)
    order = order_selectors.get_order_for_payment(order_id=dispute.payment.order_id, user_id=None)
    return DisputeDetails(
        stripe_id=dispute.stripe_dispute_id,
        order_number=order.number,
        amount=dispute.amount,
        currency=dispute.currency,
        reason=dispute.reason,
        status=dispute.status,
        evidence_due_at=dispute.evidence_due_at,
    )
