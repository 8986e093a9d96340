"""How many mails one person may be sent at somebody's wish."""

import uuid

from core import attempts
from core.errors import TooMany


def may_mail(*, user_id: uuid.UUID) -> bool:
    """Count a mail that somebody asks us to send to this person; False when there were enough, so
    that nobody's mailbox can be flooded from many addresses."""
    allowed = attempts.limit(scope="mail", subject=str(user_id))
    if allowed is None:
        return True
    try:
        allowed.count()
    except TooMany:
        return False
    return True
