"""The client's address, believing proxies only where the installation names them."""

import ipaddress
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def client_ip(request: HttpRequest) -> str:
    """Return the address of the request's client, as `client_address`."""
    return client_address(request.META)


def client_address(environ: Mapping[str, Any]) -> str:
    """Return the client's address. `X-Forwarded-For` counts only behind `TRUSTED_PROXIES`: from the
    right, the first address that isn't a trusted proxy (contract "Accounts")."""
    peer = str(environ.get("REMOTE_ADDR") or "")
    if not settings.TRUSTED_PROXIES or not _is_trusted(peer):
        return peer
    header = str(environ.get("HTTP_X_FORWARDED_FOR") or "")
    forwarded = [part.strip() for part in header.split(",")]
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
