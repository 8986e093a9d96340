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
from collections.abc import Iterable

from django.db import OperationalError, close_old_connections
from psycopg import errors

from api.envelopes import Application, Envelopes, Environ, StartResponse
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
# A lock that somebody else had all the while, and a statement that took too long.
_TIMED_OUT = (errors.LockNotAvailable, errors.QueryCanceled)
_ANSWER = encode({"received": True})


class EventsDoor:
    """A WSGI application, around Django's."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._envelopes = Envelopes("webhook headers")

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] != PATH or not _is_plain(environ):
            return self._application(environ, start_response)
        kind = self._envelopes.tell_kind(environ)
        envelope = self._envelopes.find(kind)
        if envelope is None:
            # Kept if Django takes the event: for this address, and by somebody who has the secret.
            return self._application(environ, self._envelopes.learn(kind, start_response))
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        given = environ.get("HTTP_X_REQUEST_ID", "")
        request_id = given if is_acceptable_id(given) else str(new_id())
        if not _store(environ, body, request_id):
            environ["wsgi.input"] = io.BytesIO(body)
            return self._application(environ, start_response)
        own = [("Content-Length", str(len(_ANSWER))), ("X-Request-ID", request_id)]
        start_response("200 OK", [*envelope.headers, *own])
        return [_ANSWER]


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
