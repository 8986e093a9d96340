"""How many mails one person may be sent at somebody's wish.

Counts are kept per kind of mail, so that asking for one never uses up another, and per sender, so
that nobody uses up what somebody else may ask for. Over all senders there is a cap of its own, so
that a mailbox can't be flooded from many networks. Strangers can reach it, and it never locks the
owner out: it doesn't bind where they are known, and elsewhere their mailbox holds a link that is
younger than the cap's window, which is no longer than a link works.
"""

from dataclasses import replace

from django.conf import settings

from core import attempts
from core.attempts import Limit
from core.errors import TooMany
from core.network import network_of
from users.familiarity import is_familiar

# How many times as many mails of a kind one mailbox takes as one sender may ask for.
_MAILBOX_FACTOR = 4


def may_mail(*, kind: str, email: str, sender: str) -> bool:
    """Count a mail of this kind that the sender (a network, or a person by id) asks us to send to
    this address; False when they had enough (THROTTLE_MAIL)."""
    return _has_room(attempts.limit(scope="mail", subject=f"{kind}|{email}|{sender}"))


def may_mail_stranger(*, kind: str, email: str, ip: str) -> bool:
    """The same for somebody who isn't signed in, within the mailbox's cap. The same work whether or
    not anybody has this address."""
    if not may_mail(kind=kind, email=email, sender=network_of(ip)):
        return False
    cap = attempts.limit(scope="mail", subject=f"{kind}|{email}", factor=_MAILBOX_FACTOR)
    if cap:
        cap = replace(cap, period=min(cap.period, settings.PASSWORD_RESET_TIMEOUT))
    return _has_room(cap) or is_familiar(email=email, ip=ip)


def _has_room(limit: Limit | None) -> bool:
    try:
        if limit:
            limit.count()
    except TooMany:
        return False
    return True
