"""Tokens of a session: a short access token and its one live refresh token.

Signing is deterministic, so the successor of a rotated token can be handed out again within the
grace time without a second one coming to life.
"""

import calendar
import datetime as dt
import uuid
from dataclasses import dataclass

from django.conf import settings
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from core.ids import parse_id
from users.errors import TokenInvalid
from users.models import Session

# What reading a token ends in whose claims are absurd, such as a time beyond all calendars.
UNREADABLE = (ValueError, TypeError, AttributeError, OverflowError, OSError, RecursionError)


@dataclass(frozen=True, kw_only=True)
class TokenPair:
    """Encoded tokens, and when the refresh token ends."""

    access: str
    refresh: str
    refresh_expires_at: dt.datetime


@dataclass(frozen=True, kw_only=True)
class RefreshClaims:
    """What a refresh token says: whose it is, of which session, and which of its tokens."""

    user_id: uuid.UUID
    session_id: uuid.UUID
    jti: uuid.UUID


def issue_tokens(*, session: Session) -> TokenPair:
    """Return a new access token and the session's live refresh token, both carrying its `sid`."""
    return TokenPair(
        access=_access_token(session),
        refresh=_refresh_token(
            session,
            jti=session.refresh_jti,
            issued_at=session.rotated_at,
            expires_at=session.expires_at,
        ),
        refresh_expires_at=session.expires_at,
    )


def reissue_tokens(*, session: Session, jti: uuid.UUID, issued_at: dt.datetime) -> TokenPair:
    """Return a new access token and the refresh token `jti` as it was issued at that moment."""
    expires_at = issued_at + refresh_lifetime()
    return TokenPair(
        access=_access_token(session),
        refresh=_refresh_token(session, jti=jti, issued_at=issued_at, expires_at=expires_at),
        refresh_expires_at=expires_at,
    )


def read_refresh_token(encoded: str) -> RefreshClaims:
    """Return what the token says. Raises TokenInvalid when it is garbled, expired, signed by
    another key or no refresh token. Whether its session lives is not looked at."""
    try:
        token = RefreshToken(encoded)  # type: ignore[arg-type]
    except (TokenError, *UNREADABLE) as exc:
        raise TokenInvalid from exc
    user_id = parse_id(token.get("user_id"))
    session_id = parse_id(token.get("sid"))
    jti = parse_id(token.get("jti"))
    if user_id is None or session_id is None or jti is None:
        raise TokenInvalid
    return RefreshClaims(user_id=user_id, session_id=session_id, jti=jti)


def refresh_lifetime() -> dt.timedelta:
    """Return how long a refresh token lives."""
    lifetime: dt.timedelta = settings.SIMPLE_JWT["REFRESH_TOKEN_LIFETIME"]
    return lifetime


def _access_token(session: Session) -> str:
    token = AccessToken()
    token["user_id"] = str(session.user_id)
    token["sid"] = str(session.id)
    return str(token)


def _refresh_token(
    session: Session, *, jti: uuid.UUID, issued_at: dt.datetime, expires_at: dt.datetime
) -> str:
    token = RefreshToken()
    token["user_id"] = str(session.user_id)
    token["sid"] = str(session.id)
    token["jti"] = str(jti)
    token["iat"] = calendar.timegm(issued_at.utctimetuple())
    token["exp"] = calendar.timegm(expires_at.utctimetuple())
    return str(token)
