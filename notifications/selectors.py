"""Reads of what people want to hear of, and of what may be told them."""

import uuid
from typing import Literal

from notifications.models import NotificationPreference
from users.models import User

Kind = Literal["email_enrollment", "email_completion", "email_review"]


def wants(*, user_id: uuid.UUID, kind: Kind) -> bool:
    """Return whether the person wants this kind of mail; without a word from them, yes."""
    chosen = NotificationPreference.objects.filter(user_id=user_id).values_list(kind, flat=True)
    return chosen.first() is not False


def name_for(user: User) -> str:
    """Return what a mail may call the person: "" before they have shown that the address is
    theirs. Anybody can sign up with any address, under a name that is a message to its owner."""
    return user.first_name if user.email_verified_at else ""


def title_for(title: str, *, user: User) -> str | None:
    """Return a course's title for a mail to the person; None before the address is known to be
    theirs, for the same reason: the course may be the stranger's own."""
    return title if user.email_verified_at else None
