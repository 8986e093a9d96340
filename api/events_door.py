"""Stripe's door: takes webhooks in before Django sees the request.

Of each purchase Stripe tells twice or more, at once when many buy. Django's way in and out and the
view around it took more of a webhook than checking and storing it does, which is done here by the
function that the view calls, with the headers that Django gave the last answer of its kind.

Only what goes well is answered here. Whatever isn't a plain POST, isn't signed, is refused or
fails, goes to Django as if there were no door: storing an event twice is storing it once. Only what
PostgreSQL gave up after its time isn't tried again: Django says so at once.
"""

import io
import logging
import time
from collections.abc import Hashable, Iterable
from typing import Any

from django.db import OperationalError, close_old_connections
from psycopg import errors

from api.front import Application, Environ, Headers, StartResponse
from api.renderers import encode
from core.ids import new_id
from core.logging import on_behalf_of
from core.middleware import is_acceptable_id
from core.network import client_address
from payments import services

logger = logging.getLogger(__name__)

PATH = "/api/v1/payments/webhook/stripe/"
# Longer ones are Django's to take or to refuse.
_LONGEST_BODY = 256 * 1024
# What the headers of an answer depend on.
_ORIGIN = ("HTTP_HOST", "HTTP_ORIGIN", "HTTP_X_FORWARDED_PROTO", "wsgi.url_scheme")
# Headers of one answer alone.
_OWN = ("Content-Length", "X-Request-ID")
_ENVELOPE_SECONDS = 60.0
_ENVELOPES = 100
# A lock that somebody else had all the while, and a statement that took too long.
_TIMED_OUT = (errors.LockNotAvailable, errors.QueryCanceled)
_ANSWER = encode({"received": True})


class EventsDoor:
    """A WSGI application, around Django's."""

    def __init__(self, application: Application) -> None:
        self._application = application
        # The headers of each kind of answer, and until when they count.
        self._envelopes: dict[Hashable, tuple[float, Headers]] = {}

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] != PATH or not _is_plain(environ):
            return self._application(environ, start_response)
        kind = tuple(map(environ.get, _ORIGIN))
        until, envelope = self._envelopes.get(kind, (0.0, []))
        if time.monotonic() >= until:
            return self._learn(kind, environ, start_response)
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        given = environ.get("HTTP_X_REQUEST_ID", "")
        request_id = given if is_acceptable_id(given) else str(new_id())
        if not _store(environ, body, request_id):
            environ["wsgi.input"] = io.BytesIO(body)
            return self._application(environ, start_response)
        own = [("Content-Length", str(len(_ANSWER))), ("X-Request-ID", request_id)]
        start_response("200 OK", [*envelope, *own])
        return [_ANSWER]

    def _learn(
        self, kind: Hashable, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Let Django answer, and keep the headers if it took the event: for this address, and by
        somebody who has the secret."""

        def start(status: str, headers: Headers, *rest: Any) -> Any:
            if status == "200 OK":
                if len(self._envelopes) >= _ENVELOPES:
                    self._envelopes.clear()
                common = [item for item in headers if item[0] not in _OWN]
                self._envelopes[kind] = time.monotonic() + _ENVELOPE_SECONDS, common
            return start_response(status, headers, *rest)

        return self._application(environ, start)


def _is_plain(environ: Environ) -> bool:
    length = environ.get("CONTENT_LENGTH", "")
    return (
        environ["REQUEST_METHOD"] == "POST"
        and not environ.get("SCRIPT_NAME")
        and not environ["QUERY_STRING"]
        and "HTTP_HOST" in environ
        and length.isdigit()
        and int(length) <= _LONGEST_BODY
    )


def _store(environ: Environ, body: bytes, request_id: str) -> bool:
    """Whether the event is stored, by now or before; else it is Django's to answer."""
    close_old_connections()
    signature = environ.get("HTTP_STRIPE_SIGNATURE", "")
    try:
        with on_behalf_of(request_id, asked_by=client_address(environ)):
            services.receive_event(raw_body=body, signature=signature)
    except Exception as refusal:
        # With what it leaves behind: Django looks after the connection before it answers.
        logger.debug("left to Django: %r", refusal)
        if isinstance(refusal, OperationalError) and isinstance(refusal.__cause__, _TIMED_OUT):
            environ[services.REFUSED_AHEAD] = refusal
        return False
    return True
