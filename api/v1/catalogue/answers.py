"""Answers of the catalogue over HTTP: finished bytes that caches may compare and, when they are
nobody's in particular, keep (RFC 9110, RFC 9111)."""

import datetime as dt
import hashlib
from typing import Any

from django.conf import settings
from django.http import HttpResponse, HttpResponseNotModified
from django.utils.cache import patch_vary_headers
from django.utils.http import http_date, parse_etags
from rest_framework.request import Request

from api.renderers import encode
from users.models import User


def answer(
    request: Request, data: Any, *, last_modified: dt.datetime | None = None
) -> HttpResponse:
    """Return the data as JSON, or 304 to a client that has it already.

    The tag is of the body itself, so that it changes exactly with what is shown, and is the same
    from every process. A viewer's answer is theirs alone, and asked for anew each time.
    `last_modified` only informs: flags and counters change without it.
    """
    body = encode(data)
    etag = make_etag(body)
    known = request.META.get("HTTP_IF_NONE_MATCH")
    response: HttpResponse
    if known and matches(known, etag):
        response = HttpResponseNotModified()
        # The length it would have had (RFC 9110, 8.6): left to itself, Django would say 0.
        response["Content-Length"] = str(len(body))
    else:
        response = HttpResponse(body, content_type="application/json")
    response["ETag"] = etag
    if isinstance(request.user, User):
        response["Cache-Control"] = "private, no-store"
    else:
        response["Cache-Control"] = f"public, max-age={settings.CATALOGUE_MAX_AGE}"
    patch_vary_headers(response, ("Authorization", "Accept-Encoding"))
    if last_modified is not None:
        response["Last-Modified"] = http_date(last_modified.timestamp())
    return response


def make_etag(body: bytes) -> str:
    """Return the strong tag of these bytes."""
    # The one hash that processors have instructions for: twice as fast here as any other.
    return f'"{hashlib.sha256(body).hexdigest()[:24]}"'


def matches(if_none_match: str, etag: str) -> bool:
    """Whether `If-None-Match` names the tag; a proxy that compresses makes it a weak one."""
    known = {tag.removeprefix("W/") for tag in parse_etags(if_none_match)}
    return etag in known or "*" in known
