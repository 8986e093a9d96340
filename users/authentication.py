"""Who is asking: an access token, its person and its session, in one indexed query."""

import uuid
from functools import cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated
from rest_framework.request import Request
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.tokens import Token

from core.ids import parse_id
from core.reads import fetch_prepared
from users.errors import TokenInvalid
from users.models import User
from users.tokens import UNREADABLE


@cache
def _columns() -> list[str]:
    return [field.attname for field in User._meta.concrete_fields]


@cache
def _live_person() -> str:
    """Return the statement for the person of a live session. By hand, as every signed-in request
    begins with it: composing it from models took longer than running it."""
    columns = ", ".join(f'person."{field.column}"' for field in User._meta.concrete_fields)
    return f"""
        SELECT {columns}
        FROM users_session AS session JOIN users_user AS person ON person.id = session.user_id
        WHERE session.id = %(session)s AND session.user_id = %(user)s
          AND session.ended_at IS NULL AND person.is_active
    """  # noqa: S608


class SessionJWTAuthentication(JWTAuthentication):
    """Accepts an access token whose session is live and whose person is active.

    `request.auth` is the token; its `sid` names the session. Logout, password change and
    deactivation therefore end access tokens at once (contract "Accounts"). Any other token is
    refused with `TOKEN_INVALID`.
    """

    def authenticate(self, request: Request) -> Any:
        try:
            return super().authenticate(request)
        except (AuthenticationFailed, ValueError) as exc:
            raise _refusal() from exc

    def get_validated_token(self, raw_token: bytes) -> Token:
        try:
            return super().get_validated_token(raw_token)
        except UNREADABLE as exc:
            raise _refusal() from exc

    def get_user(self, validated_token: Token) -> User:  # type: ignore[override]
        session_id = parse_id(validated_token.get("sid"))
        user_id = parse_id(validated_token.get("user_id"))
        if session_id is None or user_id is None:
            raise _refusal()
        rows = fetch_prepared(_live_person(), {"session": session_id, "user": user_id})
        if not rows:
            raise _refusal()
        return User.from_db(DEFAULT_DB_ALIAS, _columns(), rows[0])


class OptionalSessionJWTAuthentication(SessionJWTAuthentication):
    """The same, but a refused token means nobody instead of 401: for logout, where a refresh token
    may stand in for an access token that has just expired."""

    def authenticate(self, request: Request) -> Any:
        try:
            return super().authenticate(request)
        except AuthenticationFailed:
            return None


def current_user_id(request: Request) -> uuid.UUID:
    """Return who is signed in. For views that require it: raises NotAuthenticated otherwise."""
    if not isinstance(request.user, User):
        raise NotAuthenticated
    return request.user.id


def current_session_id(request: Request) -> uuid.UUID | None:
    """Return the session of the request's access token; None when nobody is signed in."""
    return parse_id(request.auth["sid"]) if isinstance(request.auth, Token) else None


def _refusal() -> AuthenticationFailed:
    return AuthenticationFailed(TokenInvalid.message, code=TokenInvalid.code)
