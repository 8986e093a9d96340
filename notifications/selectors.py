"""Reads of what people want to hear of."""

import uuid
from typing import Literal

from notifications.models import NotificationPreference

Kind = Literal["email_enrollment", "email_completion", "email_review"]


def wants(*, user_id: uuid.UUID, kind: Kind) -> bool:
    """Return whether the person wants this kind of mail; without a word from them, yes."""
    chosen = NotificationPreference.objects.filter(user_id=user_id).values_list(kind, flat=True)
    return chosen.first() is not False
