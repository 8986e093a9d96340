"""What staff and the clock do with the inbox besides handling it."""

import datetime as dt
import uuid

from django.db import transaction
from django.utils import timezone

from core import audit
from core.nudge import nudge
from core.pruning import prune
from payments.models import StripeEvent
from payments.services.inbox import HANDLED_TYPES, TASK

KEEP_EVENTS = dt.timedelta(days=90)


def resend_events(*, event_ids: list[str], actor_id: uuid.UUID | None) -> int:
    """Make events due again, e.g. dead ones after a fix: handling them twice is harmless. Returns
    how many there were. Audited."""
    chosen = StripeEvent.objects.filter(id__in=event_ids, type__in=HANDLED_TYPES)
    with audit.recording(chosen, actor_id=actor_id, action="stripeevent.resend") as events:
        count = events.update(
            status=StripeEvent.Status.RECEIVED,
            attempts=0,
            next_attempt_at=timezone.now(),
            handled_at=None,
        )
        transaction.on_commit(lambda: nudge(TASK))
    return count


def prune_events() -> int:
    """Delete events that were handled or ignored and came long ago; returns how many. Stripe sends
    or lists none as old again."""
    over = [StripeEvent.Status.HANDLED, StripeEvent.Status.IGNORED]
    old = StripeEvent.objects.filter(status__in=over, received_at__lt=timezone.now() - KEEP_EVENTS)
    return prune(old)
