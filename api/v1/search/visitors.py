"""Counting who searched for what."""

from rest_framework.request import Request

from core.network import client_ip, network_of
from courses import services


def record(request: Request, *, text: str, found: bool) -> None:
    """Count the search of this network, of a home or a company: accounts are made in a minute, and
    so are addresses within it. A home may have a /48 of IPv6, which is 65,536 of /64."""
    visitor = network_of(client_ip(request), ipv4_prefix=24, ipv6_prefix=48)
    services.record_search(text=text, visitor=visitor, found=found)
