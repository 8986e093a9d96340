"""How many mails may be sent at the wish of people who aren't signed in.

Counts are kept per kind of mail, so that asking for one never uses up another. How often one sender
may ask about one address, the views count (THROTTLE_MAIL); here it is how often a network may ask
about all addresses, and how much a mailbox takes from all networks. Strangers can fill a mailbox,
and don't lock its owner out: where they are known the cap doesn't bind, and elsewhere the mailbox
holds a link that is younger than the cap's window, which is no longer than a link works.
"""

from dataclasses import replace
from typing import Literal

from django.conf import settings

from core import attempts
from core.attempts import Limit
from core.errors import TooMany
from core.network import network_of
from users.familiarity import is_familiar

Kind = Literal["verification", "password-reset"]

# How many times as often a network may ask about all addresses as about one: enough for a school.
_NETWORK_FACTOR = 20
# How many times as many mails of a kind a mailbox takes as one sender may ask for.
_MAILBOX_FACTOR = 4


def check_network(*, kind: Kind, ip: str) -> None:
    """Raise TooMany when the network at `ip` has asked too often for mails of this kind already,
    whoever is asked about: another answer for those known there would tell who they are. Counts
    and keeps nothing, so that who asks about ever other addresses leaves nothing more."""
    if network := _network_limit(kind, ip):
        network.check()


def may_mail(*, kind: Kind, email: str, ip: str) -> bool:
    """Count a mail of this kind that somebody at `ip` asks us to send to this address; False when
    the mailbox has had enough. The same work whether or not anybody has the address. Raises
    TooMany as `check_network`."""
    network = _network_limit(kind, ip)
    mailbox = attempts.limit(scope="mail", subject=f"{kind}|{email}", factor=_MAILBOX_FACTOR)
    if network is None or mailbox is None:
        return True
    network.count()
    try:
        replace(mailbox, period=min(mailbox.period, settings.PASSWORD_RESET_TIMEOUT)).count()
    except TooMany:
        return is_familiar(email=email, ip=ip)
    return True


def _network_limit(kind: Kind, ip: str) -> Limit | None:
    return attempts.limit(scope="mail", subject=f"{kind}|{network_of(ip)}", factor=_NETWORK_FACTOR)
