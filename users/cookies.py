"""The refresh token as a cookie: httpOnly, SameSite, only from our pages; over TLS only for this
very host, without TLS only on the auth path."""

from typing import Literal, cast
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from users.errors import OriginNotAllowed
from users.tokens import TokenPair

SameSite = Literal["Lax", "Strict", "None"]


# Under this prefix browsers take a cookie only from this very host, over TLS and for all paths: no
# neighbour below the same domain can put one in its place.
HOST_PREFIX = "__Host-"


def set_refresh_cookie(response: HttpResponse, tokens: TokenPair) -> None:
    """Hand the refresh token to the browser, where no script can read it. The answer carries tokens
    and may not be stored (RFC 6749, 5.1)."""
    response.set_cookie(
        _name(),
        tokens.refresh,
        expires=tokens.refresh_expires_at,
        path=_path(),
        secure=settings.REFRESH_COOKIE_SECURE,
        httponly=True,
        samesite=_same_site(),
    )
    if _name() != settings.REFRESH_COOKIE_NAME:
        _clear_plain(response)
    response["Cache-Control"] = "private, no-store"


def clear_refresh_cookie(response: HttpResponse) -> None:
    """Make the browser forget the refresh token, under whichever name it has it."""
    if _name() != settings.REFRESH_COOKIE_NAME:
        # Without `Secure` the browser would refuse the very order to forget it.
        response.set_cookie(
            _name(), max_age=0, expires="Thu, 01 Jan 1970 00:00:00 GMT", path=_path(),
            secure=True, httponly=True, samesite=_same_site(),
        )  # fmt: skip
    _clear_plain(response)


def read_refresh_cookie(request: HttpRequest) -> str | None:
    """Return the cookie's refresh token, None without a cookie. Raises OriginNotAllowed when the
    request doesn't come from one of our pages: browsers send cookies on anybody's behalf."""
    # Never under the plain name over TLS: a neighbour below the same domain could have set that,
    # and would sign its visitors in as somebody else.
    token = request.COOKIES.get(_name())
    if token and not has_allowed_origin(request):
        raise OriginNotAllowed
    return token or None


def has_allowed_origin(request: HttpRequest) -> bool:
    """Return whether `Origin` is the frontend, the API itself or in CORS_ALLOWED_ORIGINS."""
    allowed = {*settings.CORS_ALLOWED_ORIGINS, settings.FRONTEND_URL, settings.API_BASE_URL}
    given = _origin(request.headers.get("Origin", ""))
    return given is not None and given in {_origin(url) for url in allowed}


def _name() -> str:
    prefix = HOST_PREFIX if settings.REFRESH_COOKIE_SECURE else ""
    return f"{prefix}{settings.REFRESH_COOKIE_NAME}"


def _path() -> str:
    path: str = settings.REFRESH_COOKIE_PATH
    return "/" if settings.REFRESH_COOKIE_SECURE else path


def _clear_plain(response: HttpResponse) -> None:
    response.delete_cookie(
        settings.REFRESH_COOKIE_NAME,
        path=settings.REFRESH_COOKIE_PATH,
        samesite=_same_site(),
    )


def _same_site() -> SameSite:
    return cast(SameSite, settings.REFRESH_COOKIE_SAMESITE)


def _origin(url: str) -> str | None:
    """Return scheme and authority, None of what has none: "null", which a sandboxed page sends as
    its origin, is nobody's, even where an address of ours is configured without its scheme."""
    try:
        parts = urlsplit(url.lower())
    except ValueError:
        return None
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme and parts.netloc else None
