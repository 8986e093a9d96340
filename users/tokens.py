"""Tokens of a session: a short access token and its one live refresh token.

Signing is deterministic, so the successor of a rotated token can be handed out again within the
grace time without a second one coming to life.
"""

import calendar
import datetime as dt
from dataclasses import dataclass

from django.conf import settings
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from users.models import Session


@dataclass(frozen=True, kw_only=True)
class TokenPair:
    """Encoded tokens, and when the refresh token ends."""

    access: str
    refresh: str
    refresh_expires_at: dt.datetime


def issue_tokens(*, session: Session) -> TokenPair:
    """Return a new access token and the session's live refresh token, both carrying its `sid`."""
    return TokenPair(
        access=_access_token(session),
        refresh=_refresh_token(session),
        refresh_expires_at=session.expires_at,
    )


def _access_token(session: Session) -> str:
    token = AccessToken()
    token["user_id"] = str(session.user_id)
    token["sid"] = str(session.id)
    return str(token)


def _refresh_token(session: Session) -> str:
    token = RefreshToken()
    token["user_id"] = str(session.user_id)
    token["sid"] = str(session.id)
    token["jti"] = str(session.refresh_jti)
    token["iat"] = calendar.timegm(session.rotated_at.utctimetuple())
    token["exp"] = calendar.timegm(session.expires_at.utctimetuple())
    return str(token)


def refresh_lifetime() -> dt.timedelta:
    """Return how long a refresh token lives."""
    lifetime: dt.timedelta = settings.SIMPLE_JWT["REFRESH_TOKEN_LIFETIME"]
    return lifetime
