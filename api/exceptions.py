"""The one place that turns errors into HTTP: the shape of plan 6.1 for everything under /api/."""

import logging
import math
import sys
from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import DataError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from rest_framework import exceptions as drf
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import set_rollback

from api import throttling
from core import errors
from core.echo import in_short
from core.errors import DomainError
from core.logging import request_id
from core.postgresql.outages import is_database_away
from core.serializers import UNKNOWN_FIELD, WRONG_TYPE

logger = logging.getLogger(__name__)

_STATUS: list[tuple[type[DomainError], int]] = [
    (errors.Malformed, 400),
    (errors.Unauthenticated, 401),
    (errors.PaymentNeeded, 402),
    (errors.Forbidden, 403),
    (errors.NotFound, 404),
    (errors.Conflict, 409),
    (errors.Invalid, 422),
    (errors.TooMany, 429),
    (errors.Unavailable, 503),
]
_CODES = {
    400: "BAD_REQUEST",
    401: "NOT_AUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    406: "NOT_ACCEPTABLE",
    413: "PAYLOAD_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    429: "RATE_LIMITED",
    500: "INTERNAL_ERROR",
    503: "SERVICE_UNAVAILABLE",
}
# After how many seconds trying again may help.
_RETRY_AFTER = "5"
# Codes of a body that lacks a field or has the wrong JSON type: 400. Any other refusal: 422.
_MALFORMED = {"required", "null", "not_a_list", "not_a_dict", WRONG_TYPE}


def handle_exception(exc: Exception, context: dict[str, Any]) -> Response:
    """DRF's exception handler. Never returns None: whatever happens has the error shape."""
    set_rollback()
    response = _respond(exc)
    response["X-Request-ID"] = request_id.get()
    request = context.get("request")
    if is_database_away(exc):
        logger.error(
            "%s answered %s: %s",
            request,
            response.status_code,
            exc,
            extra={"outage": "PostgreSQL"},
        )
        if request is not None:
            throttling.uncount(request)
    elif isinstance(exc, errors.Unavailable):
        # Somebody else is away, such as Stripe. A client that tries again isn't to run into its
        # rate limit for that, nor the log to fill with tracebacks.
        logger.warning("%s answered %s: %s", _name(request), response.status_code, exc)
        if request is not None:
            throttling.uncount(request)
    elif response.status_code >= 500:
        logger.error("%s answered %s", _name(request), response.status_code, exc_info=exc)
    return response


def _name(request: Request | None) -> str:
    """A request in the log: without its query string, which is the visitor's own."""
    return "-" if request is None else f"{request.method} {request.path}"


def error_body(
    *, code: str, message: str, status: int, details: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return the body of plan 6.1 with the request's id. What of it the client sent is repeated in
    short: an answer is no measure of what was asked."""
    return {
        "error": {
            "code": code,
            "message": in_short(message),
            "status": status,
            "details": in_short(details or {}),
            "request_id": request_id.get(),
        }
    }


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's 400, e.g. for a host that isn't ours or a body beyond the limit."""
    return _plain(400, "The request can't be read")


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's 403, e.g. what somebody has no right to in the admin."""
    message = "You do not have permission to perform this action"
    return _page(request, 403, message) if _is_read(request) else _plain(403, message)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's 404 for paths no view takes."""
    message = "The requested resource does not exist"
    return _page(request, 404, message) if _is_read(request) else _plain(404, message)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's 500 for what DRF never saw; 503 when it is PostgreSQL or a like that is away."""
    exc = sys.exception()
    if isinstance(exc, errors.Unavailable | OperationalError | InterfaceError):
        response = _plain(503, str(_respond(exc).data["error"]["message"]))
        response["Retry-After"] = _RETRY_AFTER
        return response
    return _plain(500, "Something went wrong on our side")


def _is_read(request: HttpRequest) -> bool:
    """Whether a person is to read the answer: in the admin, by a browser."""
    is_in_admin = request.path.startswith(reverse("admin:index")) and hasattr(request, "user")
    kinds = ["application/json", "text/html"]
    return is_in_admin and request.get_preferred_type(kinds) == "text/html"


def _page(request: HttpRequest, status: int, message: str) -> HttpResponse:
    context = {**admin.site.each_context(request), "title": message, "status": status}
    return render(request, "admin/refused.html", context, status=status)


def _plain(status: int, message: str) -> HttpResponse:
    return JsonResponse(
        error_body(code=_CODES[status], message=message, status=status), status=status
    )


def _respond(exc: Exception) -> Response:
    for kind, respond in _RESPONDERS:
        if isinstance(exc, kind):
            return respond(exc)
    return _answer(500, message="Something went wrong on our side")


def _answer(
    status: int,
    *,
    message: str,
    code: str | None = None,
    details: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    code = code or _CODES.get(status, "ERROR")
    if status == 503:
        headers = {"Retry-After": _RETRY_AFTER, **(headers or {})}
    body = error_body(code=code, message=message, status=status, details=details)
    return Response(body, status=status, headers=headers)


def _from_domain(exc: DomainError) -> Response:
    status = next((number for kind, number in _STATUS if isinstance(exc, kind)), 400)
    headers = {}
    if isinstance(exc, errors.TooMany):
        headers["Retry-After"] = str(exc.retry_after)
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="api"'
    return _answer(
        status, code=exc.code, message=exc.message, details=dict(exc.details), headers=headers
    )


def _from_validation(exc: drf.ValidationError) -> Response:
    detail = exc.detail if isinstance(exc.detail, dict) else {"non_field_errors": exc.detail}
    codes = set(_codes(exc.get_codes()))
    not_an_object = set(detail) == {"non_field_errors"} and codes == {"invalid"}
    if codes & _MALFORMED or (not_an_object and _is_wrong_container(exc)):
        return _answer(
            400, code="BAD_REQUEST", message="The request body is incomplete or has wrong types",
            details=detail,
        )  # fmt: skip
    if UNKNOWN_FIELD in codes:
        return _answer(
            400, code="UNKNOWN_FIELD", message="The request body has a field that nobody reads",
            details=detail,
        )  # fmt: skip
    return _answer(
        422, code="VALIDATION_ERROR", message="A value is not acceptable", details=detail
    )


def _is_wrong_container(exc: drf.ValidationError) -> bool:
    return "Expected a dictionary" in str(exc.detail)


def _codes(codes: Any) -> list[str]:
    if isinstance(codes, dict):
        return [code for value in codes.values() for code in _codes(value)]
    if isinstance(codes, list | tuple):
        return [code for value in codes for code in _codes(value)]
    return [str(codes)]


def _from_drf(exc: drf.APIException) -> Response:
    status = exc.status_code
    headers: dict[str, str] = {}
    if auth_header := getattr(exc, "auth_header", None):
        headers["WWW-Authenticate"] = str(auth_header)
    if isinstance(exc, drf.Throttled):
        headers["Retry-After"] = str(max(1, math.ceil(getattr(exc, "wait", None) or 1)))
    if isinstance(exc, drf.MethodNotAllowed):
        return _answer(405, message=str(exc.detail), headers=headers)
    code = _drf_code(exc, status)
    message = exc.detail if isinstance(exc.detail, str) else _CODES.get(status, "Error")
    return _answer(status, code=code, message=str(message), headers=headers)


def _drf_code(exc: drf.APIException, status: int) -> str:
    code = exc.get_codes()
    if isinstance(exc, drf.AuthenticationFailed) and isinstance(code, str):
        return "TOKEN_INVALID" if code == exc.default_code else code.upper()
    return _CODES.get(status, "ERROR")


_RESPONDERS: list[tuple[type[Exception], Callable[[Any], Response]]] = [
    (DomainError, _from_domain),
    (drf.ValidationError, _from_validation),
    (drf.APIException, _from_drf),
    (Http404, lambda exc: _answer(404, message="The requested resource does not exist")),
    (
        PermissionDenied,
        lambda exc: _answer(403, message="You do not have permission to perform this action"),
    ),
    (RequestDataTooBig, lambda exc: _answer(413, message="The request body is too large")),
    (
        DataError,
        lambda exc: _answer(422, code="VALIDATION_ERROR", message="A value is out of range"),
    ),
    (OperationalError, lambda exc: _answer(503, message="The database is busy, try again")),
    (InterfaceError, lambda exc: _answer(503, message="The database is not available")),
]
