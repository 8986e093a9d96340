"""The front door: answers readers of the catalogue before Django sees the request.

Django's way in and out of a request costs more than reading a page does. What is asked most is
therefore answered here, by the same functions that the views call, and with the headers that Django
gave such an answer (`api.envelopes`). An answer that is public is also remembered for
`CATALOGUE_PAGE_SECONDS`, and given out as it is.

Only what goes well is answered here. Whatever isn't a plain GET, is refused, fails, or comes from
somebody who asks too often, goes to Django as if there were no door. When Django says 503, as the
database is away, a page that was public within the last `CATALOGUE_SPARE_SECONDS` is better.
"""

import datetime as dt
import logging
import sys
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import close_old_connections
from django.utils.http import http_date

from api.envelopes import (
    HOLDER_BYTES,
    Application,
    Envelope,
    Envelopes,
    Environ,
    Headers,
    StartResponse,
)
from api.renderers import encode
from api.throttling import COUNTED, is_within_rate
from api.v1.catalogue.answers import make_etag, matches
from api.v1.catalogue.reading import Reader, find_kind, find_reader, select_parameters
from core.ids import new_id
from core.middleware import is_acceptable_id
from core.network import client_network
from core.sizes import measure
from courses.cache import Memory, generation
from courses.permissions import Viewer
from users.authentication import SessionJWTAuthentication

logger = logging.getLogger(__name__)

_BELOW = "/api/v1/courses/"
# Requests that ask for more than the page.
_SPECIAL = ("HTTP_RANGE", "HTTP_ACCESS_CONTROL_REQUEST_PRIVATE_NETWORK")
# What a tag with a date takes as headers.
_OWN_HEADERS_BYTES = 600

_ANYBODY = AnonymousUser()


@dataclass(frozen=True, slots=True)
class _Answer:
    """A finished page; `headers` are its own, without the envelope's and the request's id. `size`
    is what it takes in memory, in bytes."""

    headers: Headers
    etag: str
    body: bytes
    size: int


@dataclass(frozen=True, slots=True)
class _Spare:
    """A page that was public a while ago, with the headers of then."""

    envelope: Envelope
    answer: _Answer


class FrontDoor:
    """The WSGI application that gunicorn serves, around Django's."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._authentication = SessionJWTAuthentication()
        self._envelopes = Envelopes("headers")
        self._answers: Memory[_Answer] = Memory("pages")
        self._spares: Memory[_Spare] = Memory("spares")

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if not _is_plain(environ):
            return self._application(environ, start_response)
        # A remembered page is the same for whoever asks, from wherever, with whatever beside what
        # is read: strange parameters neither miss it nor fill the memory.
        parameters = select_parameters(environ["PATH_INFO"], environ["QUERY_STRING"])
        key = (environ["PATH_INFO"], parameters)
        is_anonymous = "HTTP_AUTHORIZATION" not in environ
        view = find_kind(environ["PATH_INFO"])
        kind = self._envelopes.tell_kind(environ, is_anonymous, view)
        envelope = self._envelopes.find(kind)
        answer: _Answer | None
        if is_anonymous and envelope and (answer := self._answers.find(key)):
            if not _counts_as_allowed(environ, _address(environ)):
                return self._application(environ, start_response)
        else:
            given = dict(parameters)
            reader = find_reader(environ["PATH_INFO"], given)
            if reader and not envelope:
                learn = self._envelopes.learn(kind, start_response, is_of_kind=_is_tagged)
                return self._ask_django(kind, key, environ, learn)
            since = generation()
            answer = reader and self._read(reader, given, environ)
            if not (answer and envelope):
                if is_anonymous:
                    # Whoever asks now would get the page of before it was refused.
                    self._answers.drop(key)
                return self._ask_django(kind, key, environ, start_response)
            if is_anonymous and (seconds := settings.CATALOGUE_PAGE_SECONDS):
                size = measure(key) + answer.size
                self._answers.keep(key, answer, seconds=seconds, since=since, size=size)
                spare = _Spare(envelope=envelope, answer=answer)
                seconds = settings.CATALOGUE_SPARE_SECONDS
                # By then the envelope may have been learned anew: each spare counts with its own.
                size += HOLDER_BYTES + envelope.size
                self._spares.keep((kind, key), spare, seconds=seconds, size=size)
        return _send(answer, envelope, environ, start_response)

    def _ask_django(
        self, kind: Hashable, key: Hashable, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Let Django answer, or the spare when Django can't just now."""
        spare = None if "HTTP_AUTHORIZATION" in environ else self._spares.find((kind, key))
        if spare is None:
            return self._application(environ, start_response)
        said = ""

        def start(status: str, headers: Headers, *rest: Any) -> Any:
            nonlocal said
            said = status[:3]
            return None if said == "503" else start_response(status, headers, *rest)

        body = self._application(environ, start)
        if said == "503":
            if hasattr(body, "close"):
                body.close()
            return _send(spare.answer, spare.envelope, environ, start_response)
        if said not in ("200", "304"):
            self._spares.drop((kind, key))
        return body

    def _read(self, reader: Reader, given: Mapping[str, str], environ: Environ) -> _Answer | None:
        """Return the answer to this very reader; None when it is Django's to give."""
        close_old_connections()
        try:
            viewer = self._identify(environ)
            identity = f"u{viewer.pk}" if viewer.is_authenticated else _address(environ)
            if not _counts_as_allowed(environ, identity):
                return None
            reading = reader(viewer, given)
        except Exception as refusal:
            # With what it leaves behind: Django looks after the connection before it answers.
            logger.debug("left to Django: %r", refusal)
            return None
        return _finish(reading.data, reading.last_modified)

    def _identify(self, environ: Environ) -> Viewer:
        """Return who asks, as the views would have it. Raises what authentication raises."""
        if "HTTP_AUTHORIZATION" not in environ:
            return _ANYBODY
        found = self._authentication.authenticate(SimpleNamespace(META=environ))  # type: ignore[arg-type]
        if found is None:
            raise ValueError("Not a bearer of a token")
        viewer: Viewer = found[0]
        return viewer


def _is_tagged(headers: Headers) -> bool:
    return any(name == "ETag" for name, _ in headers)


def _is_plain(environ: Environ) -> bool:
    return (
        environ["REQUEST_METHOD"] == "GET"
        and environ["PATH_INFO"].startswith(_BELOW)
        and not environ.get("SCRIPT_NAME")
        and environ["PATH_INFO"].isascii()
        and environ["QUERY_STRING"].isascii()
        and "HTTP_HOST" in environ
        and not any(name in environ for name in _SPECIAL)
    )


def _address(environ: Environ) -> str:
    return f"a{client_network(environ)}"


def _counts_as_allowed(environ: Environ, identity: str) -> bool:
    """Count the request, once even if Django comes to answer it after all."""
    if not is_within_rate("catalogue", identity):
        return False
    environ[COUNTED] = True
    return True


def _finish(data: Any, last_modified: dt.datetime | None) -> _Answer:
    body = encode(data)
    etag = make_etag(body)
    headers = [("ETag", etag)]
    if last_modified is not None:
        headers.append(("Last-Modified", http_date(last_modified.timestamp())))
    # Measuring it part by part took a tenth of reading a list.
    size = HOLDER_BYTES + sys.getsizeof(body) + _OWN_HEADERS_BYTES
    return _Answer(headers=headers, etag=etag, body=body, size=size)


def _send(
    answer: _Answer, envelope: Envelope, environ: Environ, start_response: StartResponse
) -> list[bytes]:
    given = environ.get("HTTP_X_REQUEST_ID", "")
    request_id = ("X-Request-ID", given if is_acceptable_id(given) else str(new_id()))
    own = [*answer.headers, ("Content-Length", str(len(answer.body))), request_id]
    known = environ.get("HTTP_IF_NONE_MATCH")
    if known and matches(known, answer.etag):
        unchanged = [item for item in envelope.headers if item[0] != "Content-Type"]
        start_response("304 Not Modified", [*unchanged, *own])
        return []
    start_response("200 OK", [*envelope.headers, *own])
    return [answer.body]
