"""The client's address, believing proxies only where the installation names them."""

import ipaddress
from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def client_ip(request: HttpRequest) -> str:
    """Return the client's address. `X-Forwarded-For` counts only behind `TRUSTED_PROXIES`: from the
    right, the first address that isn't a trusted proxy (contract "Accounts")."""
    peer = str(request.META.get("REMOTE_ADDR") or "")
    if not _is_trusted(peer):
        return peer
    forwarded = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",")]
    for address in reversed([part for part in forwarded if part]):
        if not _is_address(address):
            break
        if not _is_trusted(address):
            return address
    return peer


def _is_trusted(address: str) -> bool:
    if not _is_address(address):
        return False
    ip = ipaddress.ip_address(address)
    return any(ip in network for network in _networks(tuple(settings.TRUSTED_PROXIES)))


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=8)
def _networks(configured: tuple[str, ...]) -> list[Network]:
    return [ipaddress.ip_network(item, strict=False) for item in configured]
