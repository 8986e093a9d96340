"""Where the work at hand comes from: the request that asked for it, if any did."""

from contextvars import ContextVar

from django.http import HttpRequest

from core.network import client_ip

current_request: ContextVar[HttpRequest | None] = ContextVar("current_request", default=None)


def origin_address() -> str | None:
    """Return the client's address; None outside of a request, or when it isn't known."""
    request = current_request.get()
    return (client_ip(request) or None) if request is not None else None
