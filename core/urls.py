"""Absolute addresses of what this installation serves."""

from django.conf import settings
from django.core.files.storage import default_storage


def absolute(url: str) -> str:
    """Return the URL as it is when absolute, else below `API_BASE_URL`."""
    if url.startswith(("http://", "https://")):
        return url
    return f"{settings.API_BASE_URL}/{url.lstrip('/')}"


def media_url(name: str | None) -> str | None:
    """Return the absolute address of a public file by its storage name; None when there is none."""
    return absolute(default_storage.url(name)) if name else None
