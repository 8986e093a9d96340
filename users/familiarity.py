"""Where a person is known to be: what strangers can use up elsewhere, they keep here."""

import hashlib

from django.core.cache import cache

from core.network import network_of
from users.models import Session

# More sessions than that, of the last days, nobody has.
_SESSIONS_LOOKED_AT = 50
_WELCOME_SECONDS = 24 * 3600


def is_familiar(*, email: str, ip: str) -> bool:
    """Return whether the person of this e-mail has a session from this network (`network_of`), or
    had one that would not have expired yet, or has lately shown there who they are (`welcome`).
    One query at most, the same for an e-mail that nobody has."""
    network = network_of(ip)
    if cache.get(_key(email, network)):
        return True
    seen = (
        Session.objects.filter(user__email=email)
        .exclude(ip=None)
        .order_by("-last_used_at")
        .values_list("ip", flat=True)[:_SESSIONS_LOOKED_AT]
    )
    return any(network_of(str(address)) == network for address in seen)


def welcome(*, email: str, ip: str) -> None:
    """Make the network familiar for a day: there the person has given their password, as in the
    admin, which opens no session of ours, or used a link that was mailed to them."""
    cache.set(_key(email, network_of(ip)), 1, timeout=_WELCOME_SECONDS)


def _key(email: str, network: str) -> str:
    return f"familiar:{hashlib.sha256(f'{email}|{network}'.encode()).hexdigest()}"
