"""Counting who searched for what."""

from rest_framework.request import Request

from core.network import client_ip
from courses import services


def record(request: Request, *, text: str, found: bool) -> None:
    """Count the search of this person, or of this address when nobody is signed in."""
    person = request.user.pk or client_ip(request)
    services.record_search(text=text, visitor=str(person), found=found)
