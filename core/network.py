"""The client's address, believing proxies only where the installation names them."""

import ipaddress
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_LONGEST = 80
# In brackets, or IPv4, each with a port or without; or IPv6 as it is.
_WITH_PORT = re.compile(r"\[([^\[\]]+)\](?::\d{1,5})?|([\d.]+)(?::\d{1,5})?|([^\[\]]*:[^\[\]]*)")


def client_ip(request: HttpRequest) -> str:
    """Return the address of the request's client, as `client_address`."""
    return client_address(request.META)


def client_address(environ: Mapping[str, Any]) -> str:
    """Return the client's address. `X-Forwarded-For` counts only behind `TRUSTED_PROXIES`: from the
    right, the first address that isn't a trusted proxy (contract "Accounts"). Ports are left out,
    and IPv4 written as IPv6 is IPv4."""
    peer = str(environ.get("REMOTE_ADDR") or "")
    peer = _read_address(peer) or peer
    if not settings.TRUSTED_PROXIES or not _is_trusted(peer):
        return peer
    header = str(environ.get("HTTP_X_FORWARDED_FOR") or "")
    for part in reversed([part for part in header.split(",") if part.strip()]):
        address = _read_address(part)
        if address is None:
            break
        if not _is_trusted(address):
            return address
    return peer


@lru_cache(maxsize=10_000)
def network_of(address: str, *, ipv4_prefix: int = 32, ipv6_prefix: int = 64) -> str:
    """Return whom limits count as one: the /64 of an IPv6 address, which every home and every phone
    has for itself, and an IPv4 address (or their networks of so many bits). What is no address
    stays as it is."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    prefix = ipv6_prefix if ip.version == 6 else ipv4_prefix
    if prefix == ip.max_prefixlen:
        return str(ip)
    return str(ipaddress.ip_network(f"{ip}/{prefix}", strict=False))


def client_network(environ: Mapping[str, Any]) -> str:
    """Return the `network_of` the client's address."""
    return network_of(client_address(environ))


def _read_address(text: str) -> str | None:
    """Return the address in "192.0.2.1", "192.0.2.1:5555", "2001:db8::1" or "[2001:db8::1]:443",
    written in one way; None when there is none."""
    # What anybody may send is remembered only while it is short.
    return _parse_address(text) if len(text) <= _LONGEST else None


@lru_cache(maxsize=10_000)
def _parse_address(text: str) -> str | None:
    found = _WITH_PORT.fullmatch(text.strip())
    if found is None:
        return None
    try:
        ip = ipaddress.ip_address(next(filter(None, found.groups())).partition("%")[0])
    except ValueError:
        return None
    return str(getattr(ip, "ipv4_mapped", None) or ip)


def _is_trusted(address: str) -> bool:
    return len(address) <= _LONGEST and _is_within(address, tuple(settings.TRUSTED_PROXIES))


@lru_cache(maxsize=10_000)
def _is_within(address: str, configured: tuple[str, ...]) -> bool:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(ip in network for network in _networks(configured))


@lru_cache(maxsize=8)
def _networks(configured: tuple[str, ...]) -> list[Network]:
    return [ipaddress.ip_network(item, strict=False) for item in configured]
