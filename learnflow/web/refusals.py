"""What the web server itself refuses, in the shape of every other error."""

import json
import re
from email.utils import formatdate

from django.conf import settings

from core.ids import new_id

# As the API names them (api.exceptions), and what only a server meets.
ANSWERS = {
    400: ("Bad Request", "BAD_REQUEST", "The request can't be read"),
    403: ("Forbidden", "PERMISSION_DENIED", "The request isn't allowed"),
    408: ("Request Timeout", "REQUEST_TIMEOUT", "The request didn't arrive in time"),
    413: ("Content Too Large", "PAYLOAD_TOO_LARGE", "The request body is too large"),
    414: ("URI Too Long", "URI_TOO_LONG", "The address is too long"),
    417: ("Expectation Failed", "EXPECTATION_FAILED", "The expectation can't be met"),
    431: ("Request Header Fields Too Large", "HEADERS_TOO_LARGE", "The headers are too large"),
    500: ("Internal Server Error", "INTERNAL_ERROR", "Something went wrong on our side"),
    501: ("Not Implemented", "NOT_IMPLEMENTED", "The transfer encoding isn't known"),
    503: ("Service Unavailable", "SERVICE_UNAVAILABLE", "There is no room for it, try again"),
}
_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
_ORIGIN = re.compile(rb"^origin:[ \t]*(\S+)[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)


def compose_refusal(status: int, head: bytes) -> bytes:
    """Return the whole answer, after which the connection is closed. `head` is what came of the
    request's: an origin that may call the API is let read why it was refused."""
    status = status if status in ANSWERS else 400
    reason, code, message = ANSWERS[status]
    request_id = str(new_id())
    error = {
        "code": code, "message": message, "status": status, "details": {}, "request_id": request_id,
    }  # fmt: skip
    body = json.dumps({"error": error}, separators=(",", ":")).encode()
    lines = [
        f"HTTP/1.1 {status} {reason}",
        "Connection: close",
        f"Date: {formatdate(usegmt=True)}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Cache-Control: no-store",
        *(["Retry-After: 5"] if status == 503 else []),
        "X-Content-Type-Options: nosniff",
        f"Content-Security-Policy: {_POLICY}",
        f"X-Request-ID: {request_id}",
        *_sharing(head),
        "",
        "",
    ]
    return "\r\n".join(lines).encode() + body


def _sharing(head: bytes) -> list[str]:
    found = _ORIGIN.search(head)
    origin = found.group(1).decode("latin-1") if found else ""
    if origin not in settings.CORS_ALLOWED_ORIGINS:
        return ["Vary: Origin"]
    return [
        "Vary: Origin",
        f"Access-Control-Allow-Origin: {origin}",
        "Access-Control-Allow-Credentials: true",
        f"Access-Control-Expose-Headers: {', '.join(settings.CORS_EXPOSE_HEADERS)}",
    ]
