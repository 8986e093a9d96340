"""What staff have seen to."""

import uuid
from collections.abc import Collection

from django.db import transaction

from core import audit
from payments.models import Payment


def clear_attention(*, payment_ids: Collection[uuid.UUID], actor_id: uuid.UUID) -> int:
    """Take the note off payments that staff have dealt with; returns how many had one. Audited with
    what the note said."""
    with transaction.atomic():
        payments = list(
            Payment.objects.select_for_update()
            .filter(id__in=payment_ids)
            .exclude(needs_attention="")
            .order_by("id")
        )
        for payment in payments:
            audit.record_audit(
                actor_id=actor_id,
                action="payment.attention_cleared",
                target_type="payment",
                target_id=payment.id,
                details={"note": payment.needs_attention},
            )
            payment.needs_attention = ""
            payment.save(update_fields=["needs_attention", "updated_at"])
    return len(payments)
