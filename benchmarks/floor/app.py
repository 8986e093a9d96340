"""The floor's WSGI application."""

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qsl

import orjson

from benchmarks.floor.detail import show_course
from benchmarks.floor.errors import InvalidError, NotFoundError
from benchmarks.floor.listing import list_courses
from benchmarks.floor.search import search_courses
from benchmarks.floor.viewer import RefusedError, find_viewer

Environ = dict[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], object]

_COURSES = "/api/v1/courses/"
_SEARCH = "/api/v1/search/"
_BYTES = "/bytes/"

_static: dict[str, bytes] = {}


def application(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Answer one request."""
    try:
        status, body = "200 OK", _answer(environ)
    except RefusedError:
        status, body = _refuse("401 Unauthorized", "TOKEN_INVALID")
    except NotFoundError:
        status, body = _refuse("404 Not Found", "NOT_FOUND")
    except InvalidError:
        status, body = _refuse("422 Unprocessable Entity", "INVALID")
    start_response(
        status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    )
    return [body]


def _answer(environ: Environ) -> bytes:
    path: str = environ["PATH_INFO"]
    query: str = environ["QUERY_STRING"]
    if path == _BYTES:
        return _send_static(query)
    viewer = find_viewer(environ.get("HTTP_AUTHORIZATION", ""))
    if path == _COURSES:
        return list_courses(_parse(query), viewer)
    if path == _SEARCH:
        return search_courses(_parse(query))
    if path.startswith(_COURSES):
        return show_course(path[len(_COURSES) :].rstrip("/"))
    raise NotFoundError


def _send_static(query: str) -> bytes:
    """The same bytes at each request: what this server can send when nothing is to be done."""
    body = _static.get(query)
    if body is None:
        body = _static[query] = list_courses(_parse(query), None)
    return body


def _parse(query: str) -> dict[str, str]:
    return dict(parse_qsl(query)) if query else {}


def _refuse(status: str, code: str) -> tuple[str, bytes]:
    error = {"code": code, "message": status[4:], "status": int(status[:3]), "details": {}}
    return status, orjson.dumps({"error": error})
