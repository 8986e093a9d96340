"""Absolute addresses of what this installation serves."""

import re
from functools import lru_cache

from django.conf import settings
from django.core.files.storage import default_storage


def absolute(url: str) -> str:
    """Return the URL as it is when absolute, else below `API_BASE_URL`."""
    if url.startswith(("http://", "https://")):
        return url
    return f"{settings.API_BASE_URL}/{url.lstrip('/')}"


def media_url(name: str | None) -> str | None:
    """Return the absolute address of a public file by its storage name; None when there is none."""
    if not name:
        return None
    folder = _folder(settings.MEDIA_URL, settings.API_BASE_URL)
    if folder is None or not _PLAIN.fullmatch(name):
        return absolute(default_storage.url(name))
    return folder + name


# Names that go into an address as they are, as all do that uploads are stored under.
_PLAIN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")


@lru_cache(maxsize=8)
def _folder(media_url: str, base_url: str) -> str | None:
    """Return what the storage puts before such names, None when it does more (signs, for one).
    Asking it for each of a page's pictures took a tenth of the page's time."""
    head, _, tail = absolute(default_storage.url("name")).rpartition("name")
    return None if tail else head
