"""The front door: gives out finished public answers again, before Django sees the request.

Django's way in and out of a request costs several times what sending the bytes does. An answer that
calls itself public (the catalogue's for anonymous readers, `api.v1.catalogue.answers`) is
remembered by this process for `CATALOGUE_PAGE_SECONDS`, with every header that Django gave it,
under everything in a request that such an answer may depend on. Whatever isn't a plain anonymous
GET goes to Django, and so does who asks too often.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from api.throttling import is_within_rate
from api.v1.catalogue.answers import matches
from core.ids import new_id
from core.middleware import is_acceptable_id
from core.network import client_address
from courses.cache import Memory, generation

Environ = dict[str, Any]
Headers = list[tuple[str, str]]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

_PATHS = ("/api/v1/courses/", "/api/v1/categories/")
# All that a public answer may depend on beside the path: what it links to, and who may read it.
_KEY = ("PATH_INFO", "QUERY_STRING", "HTTP_HOST", "HTTP_ORIGIN", "HTTP_X_FORWARDED_PROTO",
        "wsgi.url_scheme")  # fmt: skip
# Requests that ask for more than the bytes.
_SPECIAL = ("HTTP_AUTHORIZATION", "HTTP_RANGE", "HTTP_ACCESS_CONTROL_REQUEST_PRIVATE_NETWORK")
_MAX_BODY = 256 * 1024


@dataclass(frozen=True, slots=True)
class _Answer:
    """A public answer without its request's id. A 304 has all headers but those of a body."""

    headers: Headers
    headers_unchanged: Headers
    etag: str
    body: bytes


class FrontDoor:
    """The WSGI application that gunicorn serves, around Django's."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._answers: Memory[_Answer] = Memory(size=2_000)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if not _is_plain(environ):
            return self._application(environ, start_response)
        key = tuple(map(environ.get, _KEY))
        answer = self._answers.find(key)
        if answer is None:
            return self._ask(key, environ, start_response)
        if not is_within_rate("catalogue", f"a{client_address(environ)}"):
            return self._application(environ, start_response)
        return _send(answer, environ, start_response)

    def _ask(
        self, key: tuple[Any, ...], environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Let Django answer, and remember it if it is public."""
        since = generation()
        started: list[tuple[str, Headers]] = []

        def start(status: str, headers: Headers, *rest: Any) -> Any:
            started.append((status, headers))
            return start_response(status, headers, *rest)

        response = self._application(environ, start)
        if settings.CATALOGUE_PAGE_SECONDS > 0 and started and _is_public(*started[-1]):
            content = b"".join(response)
            if hasattr(response, "close"):
                # Django ends the request here: it frees the connection for the next one.
                response.close()
            if len(content) <= _MAX_BODY:
                answer = _to_answer(started[-1][1], content)
                self._answers.keep(
                    key, answer, seconds=settings.CATALOGUE_PAGE_SECONDS, since=since
                )
            return [content]
        return response


def _is_plain(environ: Environ) -> bool:
    return (
        environ["REQUEST_METHOD"] == "GET"
        and environ["PATH_INFO"].startswith(_PATHS)
        and "HTTP_HOST" in environ
        and not any(name in environ for name in _SPECIAL)
    )


def _is_public(status: str, headers: Headers) -> bool:
    named = dict(headers)
    return (
        status == "200 OK"
        and named.get("Cache-Control", "").startswith("public")
        and "ETag" in named
        and "Set-Cookie" not in named
    )


def _to_answer(headers: Headers, body: bytes) -> _Answer:
    kept = [(name, value) for name, value in headers if name != "X-Request-ID"]
    without_body = [item for item in kept if item[0] not in {"Content-Type", "Content-Length"}]
    return _Answer(headers=kept, headers_unchanged=without_body, etag=dict(kept)["ETag"], body=body)


def _send(answer: _Answer, environ: Environ, start_response: StartResponse) -> list[bytes]:
    given = environ.get("HTTP_X_REQUEST_ID", "")
    request_id = ("X-Request-ID", given if is_acceptable_id(given) else str(new_id()))
    known = environ.get("HTTP_IF_NONE_MATCH")
    if known and matches(known, answer.etag):
        start_response("304 Not Modified", [*answer.headers_unchanged, request_id])
        return []
    start_response("200 OK", [*answer.headers, request_id])
    return [answer.body]
