"""Middleware that knows no domain: request ids, and headers that tell browsers what not to do."""

import re
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse

from core.ids import new_id
from core.logging import request_id
from core.origin import current_request

GetResponse = Callable[[HttpRequest], HttpResponse]

_ACCEPTABLE = re.compile(r"^[A-Za-z0-9._-]{8,64}$")


def is_acceptable_id(given: str) -> bool:
    """Whether a client's `X-Request-ID` is well-formed."""
    return _ACCEPTABLE.match(given) is not None


class RequestIdMiddleware:
    """Gives each request an id, taken from `X-Request-ID` when that is well-formed, and answers
    with it in the same header."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        current = given if is_acceptable_id(given) else str(new_id())
        token = request_id.set(current)
        asked = current_request.set(request)
        try:
            response = self.get_response(request)
            response["X-Request-ID"] = current
            return response
        finally:
            request_id.reset(token)
            current_request.reset(asked)


class ProbeMiddleware:
    """Lets health and metrics be asked for by whatever name or address the asking machine has for
    this one. Load balancers and Prometheus know containers by address; what they get names no host
    and links nowhere, so that `ALLOWED_HOSTS` guards nothing there."""

    PATHS = re.compile(r"^/(?:(?:api/v1/)?health(?:/live|/ready)?|metrics)/?$")

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if self.PATHS.match(request.path_info):
            host = request.META.get("HTTP_HOST", "")
            # Of this request alone.
            request.get_host = lambda: host  # type: ignore[method-assign]
        return self.get_response(request)


class _AdminOnly:
    """Steps aside outside the admin. The API knows who asks by token alone: it neither reads nor
    writes sessions, and they took a fifth of what Django adds to a request."""

    get_response: Any

    def __call__(self, request: HttpRequest) -> Any:
        if not request.path_info.startswith("/admin/"):
            return self.get_response(request)
        return super().__call__(request)  # type: ignore[misc]


class AdminSessionMiddleware(_AdminOnly, SessionMiddleware):
    """Sessions, for the admin."""


class AdminAuthenticationMiddleware(_AdminOnly, AuthenticationMiddleware):
    """`request.user` by session, for the admin."""


class AdminMessageMiddleware(_AdminOnly, MessageMiddleware):
    """Messages between pages, for the admin."""


class AdminTextMiddleware:
    """Answers 400 in the admin to a NUL in an address, a form or a cookie, as the API does in its
    bodies: PostgreSQL takes no text that has one. Forms are read where those that another site
    sent have been refused."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_: Any) -> None:
        """Raise BadRequest where there is one."""
        if request.path_info.startswith("/admin/") and any("\0" in one for one in _texts(request)):
            raise BadRequest("There is a NUL in the request")


def _texts(request: HttpRequest) -> Iterator[str]:
    yield request.path_info
    yield from request.COOKIES.values()
    for fields in (request.GET, request.POST):
        for name, values in fields.lists():
            yield name
            yield from map(str, values)


# Of whatever isn't a page: it loads nothing, sends nothing, and is framed by nobody.
NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_PAGES = (
    "default-src 'self'; img-src 'self' data: https:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)


class ContentSecurityPolicyMiddleware:
    """Everything comes from this machine, and nothing inline is run or styled (plan 9.2); files are
    parts of pages and never pages themselves. The documentation's own policy, which it needs for
    ReDoc, stays as it is (`api.docs`)."""

    POLICY = _PAGES
    OF_FILES = f"{NOTHING}; sandbox"

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self._files = (settings.STATIC_URL, settings.MEDIA_URL)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        policy = self.OF_FILES if request.path_info.startswith(self._files) else self.POLICY
        response.headers.setdefault("Content-Security-Policy", policy)
        return response


class DataHeadersMiddleware:
    """Gives data the headers that mean something on data.

    JSON isn't opened as a window and follows no links, so what says how pages are to be treated is
    left out. It loads nothing and is framed by nobody: its policy says so, in place of a page's.
    What the API answers is somebody's, unless its view says who may keep it: no cache and no
    browser's history does. `Allow` belongs to a method that was refused or asked about (RFC 9110,
    10.2.1). Every header costs some microseconds in each answer.
    """

    POLICY = NOTHING
    OF_PAGES = ("Cross-Origin-Opener-Policy", "Referrer-Policy", "X-Frame-Options")

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path_info.startswith("/api/v1/"):
            response.headers.setdefault("Cache-Control", "private, no-store")
        if not _is_data(response):
            return response
        response.headers["Content-Security-Policy"] = self.POLICY
        for name in self.OF_PAGES:
            response.headers.pop(name, None)
        if request.method != "OPTIONS" and response.status_code != HTTPStatus.METHOD_NOT_ALLOWED:
            response.headers.pop("Allow", None)
        return response


def _is_data(response: HttpResponse) -> bool:
    # Only data is asked for by its tag: what hasn't changed has no type of its own.
    is_unchanged = response.status_code == HTTPStatus.NOT_MODIFIED
    return is_unchanged or response.get("Content-Type", "").startswith("application/json")
